using System.Text.Json;

namespace CudaAttribution.Tensors.Weights;

/// <summary>
/// The files of one set of weights that was too large for one, as an index lists them: <c>{"metadata": {...}, "weight_map": {tensor: file}}</c>. All
/// files are in the folder of the index.
/// </summary>
public sealed class ShardedWeights : IWeightSource
{
    private const string WeightMap = "weight_map";
    private const long MaxIndexBytes = 64 << 20;

    private readonly Dictionary<string, IWeightSource> _shards = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, WeightInfo> _weights = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, string> _metadata = new(StringComparer.Ordinal);
    private readonly Dictionary<string, IWeightSource> _shardOf = new(StringComparer.Ordinal);

    private ShardedWeights(string path) => Path = path;

    public string Path { get; }

    public IReadOnlyDictionary<string, WeightInfo> Weights => _weights;

    /// <summary>The pairs of all files; where two disagree, those of the file that is first by name.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <summary>Opens an index and every file that it names.</summary>
    /// <exception cref="WeightFileException">
    /// The index is unusable, a file is missing or outside the folder, or index and files do not agree on which tensor is where.
    /// </exception>
    public static ShardedWeights Open(string indexPath)
    {
        var weights = new ShardedWeights(indexPath);
        try
        {
            weights.Load(weights.ReadIndex());
            return weights;
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    public void Read(string name, long start, Span<byte> destination)
    {
        _ = this.Info(name);
        _shardOf[name].Read(name, start, destination);
    }

    public void Dispose()
    {
        foreach (var shard in _shards.Values) shard.Dispose();
    }

    private SortedDictionary<string, string> ReadIndex()
    {
        try
        {
            var file = new FileInfo(Path);
            if (file.Length > MaxIndexBytes) throw Fail($"the index has {file.Length:N0} bytes, at most {MaxIndexBytes:N0} are read");
            using var json = JsonDocument.Parse(File.ReadAllBytes(Path), new JsonDocumentOptions { AllowDuplicateProperties = false });
            if (json.RootElement.ValueKind != JsonValueKind.Object || !json.RootElement.TryGetProperty(WeightMap, out var map)
                || map.ValueKind != JsonValueKind.Object)
            {
                throw Fail($"the index has no object '{WeightMap}'");
            }
            var fileOf = new SortedDictionary<string, string>(StringComparer.Ordinal);
            foreach (var entry in map.EnumerateObject())
            {
                if (entry.Value.ValueKind != JsonValueKind.String) throw Fail(entry.Name, "the index names no file for it");
                fileOf.Add(entry.Name, RequirePlainName(entry.Name, entry.Value.GetString()!));
            }
            return fileOf.Count > 0 ? fileOf : throw Fail($"'{WeightMap}' in the index is empty");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new WeightFileException(Path, null, $"the index is not valid JSON: {e.Message}", e);
        }
        catch (Exception e) when (e is (IOException or UnauthorizedAccessException) and not WeightFileException)
        {
            throw new WeightFileException(Path, null, $"the index cannot be read: {e.Message}", e);
        }
    }

    private void Load(SortedDictionary<string, string> fileOf)
    {
        string folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path))!;
        string[] files = [.. fileOf.Values.Distinct().Order(StringComparer.Ordinal)];
        string[] absent = [.. files.Where(f => !File.Exists(System.IO.Path.Combine(folder, f)))];
        if (absent.Length > 0) throw Fail($"{absent.Length} of its {files.Length} files are missing in {folder}: {PrintableText.List(absent)}");
        foreach (string file in files)
        {
            var shard = WeightFiles.Open(System.IO.Path.Combine(folder, file));
            _shards.Add(file, shard);
            foreach (var (name, info) in shard.Weights)
            {
                if (!fileOf.TryGetValue(name, out string? expected)) throw Fail(name, $"it is in {PrintableText.Of(file)}, but not in the index");
                if (expected != file)
                {
                    throw Fail(
                        name, $"it is in {PrintableText.Of(file)}, but the index says {PrintableText.Of(expected)}: it must be in one file only");
                }
                _weights.Add(name, info);
                _shardOf.Add(name, shard);
            }
            foreach (var (key, value) in shard.Metadata) _metadata.TryAdd(key, value);
        }
        if (fileOf.Keys.FirstOrDefault(n => !_weights.ContainsKey(n)) is { } missing)
        {
            int count = fileOf.Count - _weights.Count;
            throw Fail(missing, $"the index says it is in {PrintableText.Of(fileOf[missing])}, but it is not ({count} such tensors)");
        }
    }

    private string RequirePlainName(string tensor, string file)
    {
        bool plain = file.Length > 0 && file is not ("." or "..") && file.IndexOfAny(['/', '\\', '\0', ':']) < 0
            && !WeightFiles.IsIndex(file);
        return plain
            ? file
            : throw Fail(tensor, $"the index says it is in '{PrintableText.Of(file)}'; only the plain name of a file beside the index is accepted");
    }

    private WeightFileException Fail(string reason) => new(Path, null, reason);

    private WeightFileException Fail(string tensor, string reason) => new(Path, tensor, reason);
}
