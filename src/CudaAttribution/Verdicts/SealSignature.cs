using System.Text;
using CudaAttribution.Chain;
using CudaAttribution.Runs;

namespace CudaAttribution.Verdicts;

/// <summary>The signature of a sealed audit: the file <c>seal.sig</c>, the 64 bytes of Ed25519 over the text of <see cref="AuditSeal.Root"/>.</summary>
public static class SealSignature
{
    public const string FileName = "seal.sig";

    /// <summary>Signs a sealed folder.</summary>
    /// <exception cref="UserException">The folder is not what was sealed.</exception>
    public static void Sign(string folder, SigningKey key)
    {
        if (AuditSeal.FirstDifference(folder) is { } difference)
            throw new UserException($"this is not what was sealed: {difference}", "Sign an audit as it was written.", folder);
        new RunFolder(folder).Write(FileName, key.Sign(Message(folder)));
    }

    /// <summary>Whether a folder's seal is signed by the owner of a key.</summary>
    /// <exception cref="UserException">There is no seal or no signature.</exception>
    public static bool IsBy(string folder, VerifyingKey key)
    {
        string file = Path.Combine(folder, FileName);
        if (!File.Exists(file)) throw new UserException("the audit is not signed", "Ask its owner to sign it.", file);
        return key.Verify(Message(folder), File.ReadAllBytes(file));
    }

    private static byte[] Message(string folder) =>
        Encoding.ASCII.GetBytes(Json.Read<AuditSeal>(Path.Combine(folder, AuditSeal.FileName), "seal").Root);
}
