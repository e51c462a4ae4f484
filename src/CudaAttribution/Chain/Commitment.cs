using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using CudaAttribution.Runs;

namespace CudaAttribution.Chain;

/// <summary>
/// What a document was, told by one hash: <c>commit</c> = SHA-256(canonical JSON of the document ‖ salt). The hash alone tells nothing of the
/// document, since the 32 bytes of salt are random; who has the document and the salt can check it.
/// </summary>
/// <param name="Schema">Version of the file.</param>
/// <param name="Commit">64 hex digits.</param>
/// <param name="Salt">64 hex digits.</param>
public sealed record Commitment(string Schema, string Commit, string Salt)
{
    public const string FileName = "commit.json", CurrentSchema = "cudattr-commit-1";

    private const string Kind = "commitment", Restore = "Restore the file: what was committed to cannot be changed afterwards.";

    /// <summary>Commits to a document.</summary>
    public static Commitment To(JsonNode document)
    {
        byte[] salt = RandomNumberGenerator.GetBytes(SHA256.HashSizeInBytes);
        return new(CurrentSchema, Hash(document, salt), Convert.ToHexStringLower(salt));
    }

    /// <summary>Reads <see cref="FileName"/> of a folder.</summary>
    /// <exception cref="UserException">There is none, or it is no commitment.</exception>
    public static Commitment Read(string folder)
    {
        string file = Path.Combine(folder, FileName);
        var read = Json.Read<Commitment>(file, Kind);
        Json.CheckSchema(read.Schema, CurrentSchema, file);
        if (!Sha256Text.TryRead(read.Commit, out _) || !Sha256Text.TryRead(read.Salt, out _))
            throw new UserException("commit and salt are not two times 64 hex digits", Restore, file);
        return read;
    }

    /// <exception cref="UserException">The document, which was read from <paramref name="file"/>, is not what was committed to.</exception>
    public void Check(JsonNode document, string file)
    {
        if (!Sha256Text.TryRead(Salt, out byte[] salt) || Hash(document, salt) != Commit)
            throw new UserException($"this is not what {FileName} committed to: the commitment is {Commit}", Restore, file);
    }

    public void Write(RunFolder folder) => folder.WriteJson(FileName, this);

    private static string Hash(JsonNode document, byte[] salt) =>
        Convert.ToHexStringLower(SHA256.HashData([.. Encoding.UTF8.GetBytes(CanonicalJson.Write(document)), .. salt]));
}
