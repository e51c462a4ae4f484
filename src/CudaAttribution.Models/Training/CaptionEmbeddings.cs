using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Files.Sources;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models.Training;

/// <summary>
/// Text embeddings of the captions of a training set. A text encoder that is trained runs in every step; a frozen one runs once for each distinct
/// caption, and a step looks its rows up.
/// </summary>
internal sealed class CaptionEmbeddings : IDisposable
{
    private const int EncodedTogether = 64;

    private readonly DiffusionModel _model;
    private readonly Arena _arena;
    private readonly int[] _captionOf;
    private readonly int[] _ids;
    private readonly Tensor? _table;

    /// <param name="model">Its tokenizer and text encoder are used.</param>
    /// <param name="captions">Caption of each picture.</param>
    /// <param name="frozen">Whether the text encoder stays as it is.</param>
    /// <param name="folder">Where what is embedded is kept for a run that is taken up again; null for nowhere.</param>
    public CaptionEmbeddings(DiffusionModel model, IReadOnlyList<string> captions, bool frozen, string? folder = null)
    {
        (_model, _arena) = (model, new Arena(model.Device));
        string[] distinct = [.. captions.Prepend("").Distinct(StringComparer.Ordinal)];
        var rows = distinct.Index().ToDictionary(c => c.Item, c => c.Index, StringComparer.Ordinal);
        _captionOf = [.. captions.Select(c => rows[c])];
        _ids = model.Tokenizer.Encode(distinct);
        EmbeddingTable.RequireRows(_ids, model.TextEncoder.Config.VocabSize);
        if (frozen) _table = Encode(distinct.Length, folder);
    }

    /// <summary>Device memory held.</summary>
    public long Bytes => _table?.Bytes ?? 0;

    private int Length => _model.Tokenizer.MaxLength;

    private int Width => _model.TextEncoder.Config.HiddenSize;

    /// <summary>Numbers that say a caption: its row of the table, or its tokens.</summary>
    public int Columns => _table is null ? Length : 1;

    /// <summary>What <see cref="For"/> takes, on the host.</summary>
    /// <param name="pictures">Index of each picture; a negative one stands for the empty caption.</param>
    /// <param name="captions">Row-major <c>[N,Columns]</c>.</param>
    public void Write(ReadOnlySpan<int> pictures, Span<int> captions)
    {
        for (int i = 0; i < pictures.Length; i++)
        {
            int row = pictures[i] < 0 ? 0 : _captionOf[pictures[i]];
            if (_table is not null) captions[i] = row;
            else _ids.AsSpan(row * Length, Length).CopyTo(captions[(i * Length)..]);
        }
    }

    /// <summary>Embeddings of a batch, <c>[N,L,D]</c>; only issues work.</summary>
    /// <param name="tape">The tape of the step.</param>
    /// <param name="captions">From <see cref="Write"/>, I32 <c>[N,Columns]</c>.</param>
    public Tensor For(Tape tape, Tensor captions)
    {
        int n = captions.Shape[0];
        return _table is null
            ? _model.TextEncoder.Forward(tape, captions)
            : tape.Embedding(captions.View(n), _table).View(n, Length, Width);
    }

    public void Dispose() => _arena.Dispose();

    private Tensor Encode(int captions, string? folder)
    {
        var table = _arena.New(new Shape(captions, Length * Width));
        int stored = 0;
        using var store = folder is null ? null : EncodedStore.Open(folder, "captions", Key(), table, out stored);
        for (int first = stored; first < captions; first += EncodedTogether)
        {
            int n = Math.Min(EncodedTogether, captions - first);
            using var tape = new Tape(_model.Device, record: false);
            var ids = tape.Arena.From(_ids[(first * Length)..((first + n) * Length)], new Shape(n, Length));
            var embedded = _model.TextEncoder.Forward(tape, ids);
            table.Rows(first, n).CopyFrom(embedded);
            for (int i = first; i < first + n; i++) store?.Append(table.Rows(i, 1));
        }
        return table;
    }

    private string Key() => $"{_model.WeightsHash(ComponentFolder.TextEncoder)} {string.Join(',', _ids)} {_model.Device.Math.Name}";
}
