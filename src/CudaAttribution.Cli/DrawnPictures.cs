using System.Security.Cryptography;
using System.Text;
using CudaAttribution.Data.Images;
using CudaAttribution.Files;
using CudaAttribution.Querying;

namespace CudaAttribution.Cli;

/// <summary>
/// The pictures of a <c>sample</c> run as they are drawn: <c>images/NNNN.png</c>, and <c>sample.json</c>, what they are drawn from. A run that was
/// cut off finds what it has; another run's folder is refused.
/// </summary>
internal sealed class DrawnPictures
{
    private const string PlanFile = "sample.json";

    private readonly RunFolder _folder;
    private readonly string _plan;

    private DrawnPictures(RunFolder folder, string plan) => (_folder, _plan) = (folder, plan);

    /// <exception cref="AttributionException">The folder has the pictures of another run.</exception>
    public static DrawnPictures Open(
        RunFolder folder, LocalModel model, string maths, ulong seed, IReadOnlyList<string> prompts, PictureStart? start)
    {
        string plan = Json.Write(new
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
        });
        if (folder.Has(PlanFile) && File.ReadAllText(folder.Path(PlanFile)) != plan)
        {
            throw new AttributionException(
                "this folder has pictures of another run (other model, prompts, seed or settings)", "Name another folder.", folder.Root);
        }
        return new DrawnPictures(folder, plan);
    }

    /// <summary>Picture <paramref name="index"/>, if it was drawn before.</summary>
    public RgbImage? TryRead(int index) => _folder.Has(Name(index)) ? RunFolder.ReadImage(_folder.Path(Name(index))) : null;

    /// <summary>Keeps a picture; the first one claims the folder.</summary>
    public void Write(int index, RgbImage picture)
    {
        if (!_folder.Has(PlanFile)) _folder.Write(PlanFile, _plan);
        _folder.WriteImage(Name(index), picture);
    }

    private static string Name(int index) => $"images/{index:D4}.png";
}
