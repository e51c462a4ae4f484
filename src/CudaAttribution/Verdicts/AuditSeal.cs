using System.Text.Json.Nodes;
using CudaAttribution.Chain;
using CudaAttribution.Runs;

namespace CudaAttribution.Verdicts;

/// <summary>
/// Every file of a finished audit by its hash, and one hash over all of them: the file <c>seal.json</c>, written last. That the files are what they were
/// shows by it; that it is the seal of this audit shows by its root, which the owner publishes, signs or has stamped.
/// </summary>
/// <param name="Schema">Version of the file.</param>
/// <param name="Files">SHA-256 of each file, by relative path.</param>
/// <param name="Root">SHA-256 of the canonical JSON of <paramref name="Files"/>.</param>
public sealed record AuditSeal(string Schema, IReadOnlyDictionary<string, string> Files, string Root)
{
    public const string FileName = "seal.json", CurrentSchema = "cudattr-seal-1";

    /// <summary>Takes the hashes of a folder.</summary>
    public static AuditSeal Of(string folder)
    {
        var files = FileHashes.Of(folder, IsSealed);
        return new(CurrentSchema, files, RootOf(files));
    }

    /// <summary>What differs from the seal of a folder; null where nothing does.</summary>
    /// <exception cref="UserException">There is no seal, or it is none.</exception>
    public static string? FirstDifference(string folder)
    {
        string file = Path.Combine(folder, FileName), text = Json.ReadText(file, "seal");
        AuditSeal seal;
        try
        {
            seal = Json.Parse<AuditSeal>(text, file, "seal");
        }
        catch (UserException)
        {
            return $"{FileName} is not the seal that was written";
        }
        if (Json.Write(seal) != text || seal.Schema != CurrentSchema || RootOf(seal.Files) != seal.Root) return $"{FileName} is not the seal that was written";
        var found = FileHashes.Of(folder, IsSealed);
        return seal.Files.Keys.Union(found.Keys).Order(StringComparer.Ordinal).Select(name =>
            !found.TryGetValue(name, out string? hash) ? $"{name} is missing"
            : !seal.Files.TryGetValue(name, out string? sealedHash) ? $"{name} was not there when the folder was sealed"
            : hash != sealedHash ? $"{name} was changed"
            : null).FirstOrDefault(d => d is not null);
    }

    public void Write(RunFolder folder) => folder.WriteJson(FileName, this);

    private static string RootOf(IReadOnlyDictionary<string, string> files) =>
        CanonicalJson.Hash(new JsonObject(files.Select(f => KeyValuePair.Create<string, JsonNode?>(f.Key, f.Value))));

    // Stamps of the commitment and signatures of the seal come later.
    private static bool IsSealed(string name) =>
        name is not (FileName or TimeStamp.RequestFile) && !name.EndsWith(".tsr", StringComparison.Ordinal) && !name.EndsWith(".sig", StringComparison.Ordinal);
}
