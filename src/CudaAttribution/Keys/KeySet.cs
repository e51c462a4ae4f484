using System.Text.Json;
using System.Text.Json.Nodes;
using CudaAttribution.Answers;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;
using CudaAttribution.Runs;

namespace CudaAttribution.Keys;

/// <summary>What is frozen with the keys besides the keys themselves.</summary>
public sealed record KeySetHeader
{
    public required string Metric { get; init; }

    /// <summary>δ0.</summary>
    public required double Threshold { get; init; }

    public required KeySelectionOptions Options { get; init; }

    public required string SourceName { get; init; }

    public required string SourceIdentity { get; init; }

    /// <summary>How the source was sampled; a local innocent or suspect must be sampled alike. Null where the source is not a local model.</summary>
    public required SamplingRecipe? Sampling { get; init; }

    /// <summary>Content hash of the training set the keys were taken from.</summary>
    public required string TrainingHash { get; init; }

    /// <summary>Models that shaped the selection; they may not serve as CAL or NULL innocents.</summary>
    public required IReadOnlyList<string> SelIdentities { get; init; }

    public required SelectionReport Selection { get; init; }

    public required SourceRate SourceRate { get; init; }
}

/// <summary>
/// A frozen key set. Its hash is taken over the canonical JSON of header and keys, which holds the SHA-256 of every picture's pixels; it is
/// fixed before the first query to a suspect and checked at every load.
/// </summary>
public sealed class KeySet
{
    /// <summary>The key set's folder in the folder of a run.</summary>
    public const string FolderName = "keys";

    /// <summary>What is frozen.</summary>
    public const string FileName = "keys.json";
    private const string Schema = "cudattr-keys-1";
    private const string HashName = "sha256";

    /// <summary>Freezes keys.</summary>
    public KeySet(KeySetHeader header, IReadOnlyList<Key> keys)
    {
        (Header, Keys) = (header, keys);
        Hash = CanonicalJson.Hash(Document());
    }

    public KeySetHeader Header { get; }

    public IReadOnlyList<Key> Keys { get; }

    /// <summary>SHA-256 of the canonical content, 64 hex digits.</summary>
    public string Hash { get; }

    /// <summary>N: keys of conf.</summary>
    public int ConfidenceCount => Keys.Count(k => k.ForConfidence);

    /// <summary>Keys of the paired test.</summary>
    public int PairedCount => Keys.Count(k => k.ForPaired);

    /// <summary>Writes keys.json and two PNGs a key.</summary>
    public void Save(string path)
    {
        var folder = new RunFolder(path);
        for (int i = 0; i < Keys.Count; i++)
        {
            folder.WriteImage(TrainingFile(i), Keys[i].Training);
            folder.WriteImage(MedoidFile(i), Keys[i].Medoid);
        }
        var document = Document();
        document[HashName] = Hash;
        folder.Write(FileName, document.ToJsonString(Json.Options) + "\n");
    }

    /// <summary>Reads a folder that <see cref="Save"/> wrote and checks every hash.</summary>
    /// <exception cref="UserException">Missing, not a key set, or changed since it was frozen.</exception>
    public static KeySet Load(string path)
    {
        string file = Path.Combine(path, FileName), text = Json.ReadText(file, "key set");
        JsonObject document;
        try
        {
            document = OutsideJson.ReadNode(text) as JsonObject ?? throw new JsonException("not an object");
        }
        catch (JsonException e)
        {
            throw new UserException($"not a valid key set: {e.Message.TrimEnd('.')}", "Select the keys again, or restore the file.", file, e);
        }
        string stated = document[HashName]?.ToString() ?? "";
        document.Remove(HashName);
        if (CanonicalJson.Hash(document) != stated)
        {
            throw new UserException(
                "the key set was changed after it was frozen (its SHA-256 does not match)",
                "Restore the folder, or select keys again: tests need keys fixed beforehand.", file);
        }
        var stored = Json.Parse<StoredKeySet>(document.ToJsonString(Json.Options), file, "key set");
        Json.CheckSchema(stored.Schema, Schema, file);
        return new KeySet(
            stored.Header,
            [.. stored.Keys.Select((k, i) => k.ToKey(Image(TrainingFile(i), k.TrainingSha256), Image(MedoidFile(i), k.MedoidSha256)))]);

        RgbImage Image(string name, string hash)
        {
            string picture = Path.Combine(path, name);
            var image = PictureFiles.Read(picture);
            return ImageHash.Of(image) == hash
                ? image
                : throw new UserException(
                    "the picture was changed after the key set was frozen", "Restore the folder, or select keys again.", picture);
        }
    }

    private static string TrainingFile(int index) => $"{index:D3}-training.png";

    // "source" also here and in result.json and null.json: frozen keys and results of before must stay what they are.
    private static string MedoidFile(int index) => $"{index:D3}-source.png";

    private JsonObject Document() =>
        JsonSerializer.SerializeToNode(new StoredKeySet(Schema, Header, [.. Keys.Select(StoredKey.From)]), Json.Options)!.AsObject();

    private sealed record StoredKeySet(string Schema, KeySetHeader Header, IReadOnlyList<StoredKey> Keys);

    private sealed record StoredKey(
        string Prompt, string TrainingId, string TrainingSha256, string MedoidSha256, KeyReference Reference, double Dispersion,
        double Reconstruction, double? Innocent, double? InnocentPaired, double? Score, double Divergence, bool ForConfidence, bool ForPaired)
    {
        public static StoredKey From(Key k) => new(
            k.Prompt, k.TrainingId, ImageHash.Of(k.Training), ImageHash.Of(k.Medoid), k.Reference, k.Dispersion, k.Reconstruction,
            k.Innocent, k.InnocentPaired, k.Score, k.Divergence, k.ForConfidence, k.ForPaired);

        public Key ToKey(RgbImage training, RgbImage medoid) => new()
        {
            Prompt = Prompt,
            TrainingId = TrainingId,
            Training = training,
            Medoid = medoid,
            Reference = Reference,
            Dispersion = Dispersion,
            Reconstruction = Reconstruction,
            Innocent = Innocent,
            InnocentPaired = InnocentPaired,
            Score = Score,
            Divergence = Divergence,
            ForConfidence = ForConfidence,
            ForPaired = ForPaired,
        };
    }
}
