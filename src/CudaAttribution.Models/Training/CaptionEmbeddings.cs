using System.Runtime.InteropServices;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Files.Sources;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models.Training;

/// <summary>
/// Text embeddings of the captions of a training set. A text encoder that is trained runs in every step on the tokens of the batch; a frozen one runs
/// once for each distinct caption, and a batch brings its own embeddings to the device.
/// </summary>
internal sealed class CaptionEmbeddings : IDisposable
{
    private const int EncodedTogether = 64;

    private readonly DiffusionModel _model;
    private readonly bool _frozen;
    private readonly int[] _captionOf;
    private readonly int[] _ids;
    private readonly EncodedStore? _embeddings;

    /// <param name="model">Its tokenizer and text encoder are used.</param>
    /// <param name="captions">Caption of each picture.</param>
    /// <param name="frozen">Whether the text encoder stays as it is.</param>
    /// <param name="folder">Where what is embedded is kept for a run that is taken up again; null for nowhere.</param>
    public CaptionEmbeddings(DiffusionModel model, IReadOnlyList<string> captions, bool frozen, string? folder = null)
    {
        (_model, _frozen) = (model, frozen);
        string[] distinct = [.. captions.Prepend("").Distinct(StringComparer.Ordinal)];
        var rows = distinct.Index().ToDictionary(c => c.Item, c => c.Index, StringComparer.Ordinal);
        _captionOf = [.. captions.Select(c => rows[c])];
        _ids = model.Tokenizer.Encode(distinct);
        EmbeddingTable.RequireRows(_ids, model.TextEncoder.Config.VocabSize);
        if (!frozen) return;
        int bytes = checked((int)Caption.Count * sizeof(float));
        if (!model.Device.IsPlanning)
            _embeddings = folder is null ? EncodedStore.Temporary(bytes) : EncodedStore.Open(folder, "captions", Key(), bytes);
        try
        {
            Encode(distinct.Length);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Type of a caption in a batch: F32 for embeddings, I32 for tokens.</summary>
    public DType Type => _frozen ? DType.F32 : DType.I32;

    /// <summary>Shape of a caption in a batch, <c>[L,D]</c> or <c>[L]</c>.</summary>
    public Shape Caption => _frozen ? new Shape(Length, _model.TextEncoder.Config.HiddenSize) : new Shape(Length);

    private int Length => _model.Tokenizer.MaxLength;

    /// <summary>What <see cref="For"/> takes, on the host.</summary>
    /// <param name="pictures">Number of each picture; a negative one stands for the empty caption.</param>
    /// <param name="batch">The elements of their captions, row-major.</param>
    public void Write(ReadOnlySpan<int> pictures, Span<byte> batch)
    {
        int bytes = batch.Length / pictures.Length;
        for (int i = 0; i < pictures.Length; i++)
        {
            int caption = pictures[i] < 0 ? 0 : _captionOf[pictures[i]];
            var place = batch.Slice(i * bytes, bytes);
            if (_embeddings is not null) _embeddings.Read(caption, place);
            else MemoryMarshal.AsBytes(_ids.AsSpan(caption * Length, Length)).CopyTo(place);
        }
    }

    /// <summary>Embeddings of a batch, <c>[N,L,D]</c>; only issues work.</summary>
    /// <param name="tape">The tape of the step.</param>
    /// <param name="captions">From <see cref="Write"/>, N of <see cref="Caption"/>.</param>
    public Tensor For(Tape tape, Tensor captions) => _frozen ? captions : _model.TextEncoder.Forward(tape, captions);

    public void Dispose() => _embeddings?.Dispose();

    private void Encode(int captions)
    {
        for (int first = _embeddings?.Count ?? 0; first < captions; first += EncodedTogether)
        {
            int n = Math.Min(EncodedTogether, captions - first);
            using var tape = new Tape(_model.Device, record: false);
            var ids = tape.Arena.From(_ids[(first * Length)..((first + n) * Length)], new Shape(n, Length));
            var embedded = _model.TextEncoder.Forward(tape, ids);
            for (int i = 0; i < n; i++) _embeddings?.Append(embedded.Rows(i, 1));
        }
    }

    private string Key() => $"{_model.WeightsHash(ComponentFolder.TextEncoder)} {string.Join(',', _ids)} {_model.Device.Math.Name}";
}
