using System.Security.Cryptography;
using System.Text;
using CudaAttribution.Answers;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;
using CudaAttribution.Runs;

namespace CudaAttribution.Cli.Running;

/// <summary>
/// The pictures of a <c>sample</c> run as they are drawn: <c>images/NNNN.png</c>, and <c>sample.json</c>, what they are drawn from. A run that was
/// cut off finds what it has; another run's folder is refused.
/// </summary>
internal sealed class DrawnPictures : IDisposable
{
    private const string PlanFile = "sample.json";

    private readonly RunFolder _folder;
    private readonly Claim _claim;
    private readonly object _plan;
    private bool _described;

    private DrawnPictures(RunFolder folder, Claim claim, object plan) => (_folder, _claim, _plan) = (folder, claim, plan);

    /// <exception cref="UserException">The folder has the pictures of another run.</exception>
    public static DrawnPictures Open(
        RunFolder folder, LocalModel model, string maths, ulong seed, IReadOnlyList<string> prompts, PictureStart? start)
    {
        var plan = new
        {
            schema = "cudattr-sample-1",
            model = model.Identity,
            configuration = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(model.Configuration))),
            maths,
            seed,
            sampling = model.Sampling,
            prompts,
            init_image = start is null ? null : ImageHash.Of(start.Picture),
            strength = start?.Strength,
        };
        var claim = Claim.Lock(folder, PlanFile);
        try
        {
            return new DrawnPictures(folder, claim, plan) { _described = claim.Check(plan, "pictures") };
        }
        catch
        {
            claim.Dispose();
            throw;
        }
    }

    /// <summary>Picture <paramref name="index"/>, if it was drawn before.</summary>
    public RgbImage? TryRead(int index) => _folder.Has(Name(index)) ? PictureFiles.Read(_folder.Path(Name(index))) : null;

    /// <summary>Keeps a picture; the first one claims the folder.</summary>
    public void Write(int index, RgbImage picture)
    {
        if (!_described) _claim.Write(_plan);
        _described = true;
        _folder.WriteImage(Name(index), picture);
    }

    public void Dispose() => _claim.Dispose();

    private static string Name(int index) => $"images/{index:D4}.png";
}
