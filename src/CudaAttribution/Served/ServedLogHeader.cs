using CudaAttribution.Answers;

namespace CudaAttribution.Served;

/// <summary>What drew the pictures of a log that a server writes; the log's hash chain begins with the hash of its canonical JSON.</summary>
/// <param name="Schema">Version of the log.</param>
/// <param name="Source">Identity of the model.</param>
/// <param name="Configuration">SHA-256 of its configuration.</param>
/// <param name="Maths">Engine of matrix products and convolutions.</param>
/// <param name="Sampling">How pictures are drawn of which the caller sets nothing.</param>
/// <param name="Version">Version of the program.</param>
public sealed record ServedLogHeader(string Schema, string Source, string Configuration, string Maths, SamplingRecipe Sampling, string Version)
{
    public const string FileName = "served.json", CurrentSchema = "cudattr-served-1";
}
