using System.Globalization;

namespace CudaAttribution.Tensors.Weights.Torch;

/// <summary>
/// A file of <c>torch.save</c> (PyTorch 1.6 and later: <c>.bin</c>, <c>.pt</c>, <c>.pth</c>, <c>.ckpt</c>) with a dict of tensors by name, or with
/// such a dict under the key <c>state_dict</c>; or a TorchScript program (<c>torch.jit.save</c>), whose parameters and buffers have the names of its
/// <c>state_dict()</c>. Its pickles are read as data and its code not at all, nothing is executed; its tensors are read when asked for. The file must
/// not be changed while it is open. Several threads may read at once.
/// </summary>
public sealed class TorchFile : IWeightSource
{
    private const string StateDict = "state_dict", Pickle = "/data.pkl", Constants = "/constants.pkl";
    private const int MaxPickleBytes = 64 << 20, MaxMetadataText = 1000, MaxAttributes = 100_000, MaxDepth = 64;

    private readonly WeightStream _file;
    private readonly SortedDictionary<string, WeightInfo> _weights = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, string> _metadata = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, string> _unread = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (TorchTensor Tensor, long Start)> _places = new(StringComparer.Ordinal);

    /// <summary>Of the last view that was read: such a tensor may be asked for in many pieces.</summary>
    private Extent? _extent;

    private TorchFile(string path, WeightStream file)
    {
        (Path, _file) = (path, file);
        if (!FileFormats.IsZip(file))
        {
            throw Fail(null, FileFormats.Explain(file) ?? "it is neither a safetensors file nor one of torch.save (PyTorch 1.6 or later)");
        }
        var zip = new StoredZip(path, file);
        string root = Root(zip);
        var host = new TorchPickle();
        try
        {
            object? value = PickleReader.Read(Content(zip, root + Pickle, MaxPickleBytes), host);
            if (zip.Names.Contains(root + Constants))
            {
                // The code's own constants are no weights; they are read for what they refer to.
                _ = PickleReader.Read(Content(zip, root + Constants, MaxPickleBytes), host);
                AddModule(zip, root, value);
            }
            else
            {
                foreach (var (name, entry) in FindState(value).Entries) Add(zip, root, name, entry);
            }
        }
        catch (PickleException e)
        {
            throw new WeightFileException(path, null, e.Message, e);
        }
        if (_weights.Count == 0)
        {
            string[] keys = [.. _unread.Keys, .. _metadata.Keys];
            throw Fail(null, "it has no tensors by name" + (keys.Length > 0 ? $"; its keys are {PrintableText.List(keys)}" : ""));
        }
        SkippedGlobals = [.. host.Skipped];
    }

    public string Path { get; }

    public IReadOnlyDictionary<string, WeightInfo> Weights => _weights;

    /// <summary>Numbers, strings and booleans beside the tensors, <c>global_step</c> for example, as text.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <summary>Entries among the tensors that cannot be read, with the reason.</summary>
    public IReadOnlyDictionary<string, string> Unread => _unread;

    /// <summary>Classes and functions that the file refers to and that were left out, in ordinal order: callbacks of a trainer for example.</summary>
    public IReadOnlyList<string> SkippedGlobals { get; }

    /// <summary>Opens and checks a file.</summary>
    /// <exception cref="WeightFileException">It is none of <c>torch.save</c>, damaged, or refers to what no file of tensors needs.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static TorchFile Open(string path)
    {
        var file = new WeightStream(path);
        try
        {
            return new TorchFile(path, file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public void Read(string name, long start, Span<byte> destination)
    {
        if (_unread.TryGetValue(name, out string? reason)) throw Fail(name, reason);
        var info = this.Info(name);
        long count = WeightSources.RequireRange(info, name, start, destination.Length);
        if (count == 0) return;
        var (tensor, place) = _places[name];
        int size = info.Type.Size();
        if (tensor.IsContiguous)
        {
            _file.Read(place + (tensor.Offset + start) * size, destination);
            return;
        }
        var extent = _extent;
        if (extent?.Name != name) _extent = extent = ReadExtent(name, tensor, place, size);
        Gather(tensor, extent.Bytes, size, start, destination);
    }

    public void Dispose() => _file.Dispose();

    /// <summary>From the first to the last element of a view, with what it skips.</summary>
    private Extent ReadExtent(string name, TorchTensor tensor, long place, int size)
    {
        long bytes = size;
        for (int axis = 0; axis < tensor.Shape.Rank; axis++) bytes += (tensor.Shape[axis] - 1) * tensor.Strides[axis] * size;
        if (bytes > Array.MaxLength)
        {
            throw Fail(
                name, $"it is a view of {bytes:N0} bytes of its storage, at most {Array.MaxLength:N0} can be read: save it with tensor.contiguous()");
        }
        return new Extent(name, _file.Read(place + tensor.Offset * size, (int)bytes));
    }

    /// <summary>Copies elements of a view that skips or reorders those of its storage.</summary>
    private static void Gather(TorchTensor tensor, ReadOnlySpan<byte> extent, int size, long start, Span<byte> destination)
    {
        Span<long> index = stackalloc long[tensor.Shape.Rank];
        long element = 0, rest = start;
        for (int axis = index.Length - 1; axis >= 0; axis--)
        {
            index[axis] = rest % tensor.Shape[axis];
            rest /= tensor.Shape[axis];
            element += index[axis] * tensor.Strides[axis];
        }
        for (; destination.Length > 0; destination = destination[size..])
        {
            extent.Slice((int)(element * size), size).CopyTo(destination);
            for (int axis = index.Length - 1; axis >= 0; axis--)
            {
                element += tensor.Strides[axis];
                if (++index[axis] < tensor.Shape[axis]) break;
                element -= index[axis] * tensor.Strides[axis];
                index[axis] = 0;
            }
        }
    }

    /// <summary>The folder in the archive that everything is in; the file's name when it was saved.</summary>
    private string Root(StoredZip zip)
    {
        string[] pickles = [.. zip.Names.Where(n => n.EndsWith(Pickle, StringComparison.Ordinal) && n.IndexOf('/') == n.Length - Pickle.Length)];
        if (pickles.Length != 1)
        {
            throw Fail(null, $"it is a zip archive with {pickles.Length} files '*{Pickle}', one is needed: it was not made by torch.save");
        }
        string root = pickles[0][..^Pickle.Length];
        string order = $"{root}/byteorder";
        if (zip.Names.Contains(order) && !Content(zip, order, 16).AsSpan().SequenceEqual("little"u8))
        {
            throw Fail(null, "its numbers are not little-endian: save it again on a machine where they are");
        }
        return root;
    }

    private byte[] Content(StoredZip zip, string name, int most)
    {
        var (offset, bytes) = zip.Find(name);
        return bytes <= most
            ? _file.Read(offset, (int)bytes)
            : throw Fail(null, $"'{PrintableText.Of(name)}' in it has {bytes:N0} bytes, at most {most:N0} are read");
    }

    /// <summary>Adds the tensors of a module and of those in it, which may contain themselves.</summary>
    private void AddModule(StoredZip zip, string root, object? value)
    {
        if (value is not PickleModule program) throw Fail(null, "it is a TorchScript program without a module: save it again with torch.jit.save");
        var open = new Stack<(string Prefix, PickleModule Module, int Depth)>([("", program, 0)]);
        int attributes = 0;
        while (open.TryPop(out var at))
        {
            foreach (var (name, attribute) in at.Module.Attributes.Entries)
            {
                if (++attributes > MaxAttributes || at.Depth == MaxDepth)
                    throw Fail(null, $"it is a TorchScript program of more than {MaxAttributes:N0} attributes, or {MaxDepth} modules deep: it is damaged");
                if (attribute is PickleModule child) open.Push(($"{at.Prefix}{name}.", child, at.Depth + 1));
                else if (attribute is TorchTensor) Add(zip, root, at.Prefix + name, attribute);
            }
        }
    }

    private PickleDict FindState(object? value)
    {
        if (value is not PickleDict root)
        {
            string what = value is PickleOpaque opaque ? $"an object of {PrintableText.Of(opaque.What)}" : "no dict";
            throw Fail(null, $"it holds {what}, a dict of tensors is needed: save it with torch.save(model.state_dict(), ...)");
        }
        if (!root.Entries.TryGetValue(StateDict, out object? state)) return root;
        foreach (var (name, scalar) in root.Entries)
        {
            if (scalar is long or double or bool or string) AddMetadata(name, scalar);
        }
        if (state is PickleDict tensors) return tensors;
        string found = state is PickleOpaque o ? PrintableText.Of(o.What) : "of another kind";
        throw Fail(null, $"its {StateDict} is {found}, a dict is needed: save it with torch.save(model.state_dict(), ...)");
    }

    private void AddMetadata(string name, object scalar)
    {
        string text = Convert.ToString(scalar, CultureInfo.InvariantCulture)!;
        if (text.Length <= MaxMetadataText) _metadata[name] = text;
    }

    private void Add(StoredZip zip, string root, string name, object? value)
    {
        switch (value)
        {
            case TorchTensor { Storage.Type: { } type } tensor:
                var (start, bytes) = zip.Find($"{root}/data/{tensor.Storage.Key}");
                if (tensor.Storage.Count > bytes / type.Size())
                {
                    throw Fail(name, $"its storage has {bytes:N0} bytes, {tensor.Storage.Count:N0} elements of {type} are claimed: it is truncated");
                }
                _weights.Add(name, new WeightInfo(type, tensor.Shape));
                _places.Add(name, (tensor, start));
                break;
            case TorchTensor tensor:
                _unread.Add(name, $"its elements are a {tensor.Storage.TypeName}, which this program does not read");
                break;
            case long or double or bool or string:
                AddMetadata(name, value);
                break;
            default:
                _unread.Add(name, value is PickleOpaque opaque ? $"it is no plain tensor but {PrintableText.Of(opaque.What)}" : "it is no tensor");
                break;
        }
    }

    private sealed record Extent(string Name, byte[] Bytes);

    private WeightFileException Fail(string? tensor, string reason) => new(Path, tensor, reason);
}
