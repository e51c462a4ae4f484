using CudaAttribution.Answers;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Images;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Twins;

namespace CudaAttribution.Tests.World;

/// <summary>Exchangeable models that were never trained: of each, random pictures.</summary>
internal sealed class TwinWorld
{
    private readonly RgbImage[][][] _pictures;

    public TwinWorld(int models = 5, int prompts = 6, int draws = 3, int side = 8, ulong seed = 1)
    {
        var random = new SplitMix64(seed);
        (Models, Draws, Side) = (models, draws, side);
        Prompts = [.. Enumerable.Range(0, prompts).Select(i => $"prompt {i}")];
        _pictures = new RgbImage[models][][];
        for (int m = 0; m < models; m++)
        {
            _pictures[m] = new RgbImage[prompts][];
            for (int p = 0; p < prompts; p++) _pictures[m][p] = [.. Pictures(draws, ref random)];
        }
    }

    public int Models { get; }

    public int Draws { get; }

    public int Side { get; }

    public string[] Prompts { get; }

    public RgbImage[] Of(int model, int prompt) => _pictures[model][prompt];

    public List<RgbImage> Pictures(int count, ref SplitMix64 random)
    {
        var made = new List<RgbImage>();
        for (int i = 0; i < count; i++)
        {
            var pixels = new byte[3 * Side * Side];
            for (int k = 0; k < pixels.Length; k++) pixels[k] = (byte)random.Below(256);
            made.Add(new RgbImage(Side, Side, pixels));
        }
        return made;
    }

    public TwinDesign Design(int[]? order = null)
    {
        order ??= [.. Enumerable.Range(0, Models)];
        return new TwinDesign
        {
            Source = new TwinSource("source", Identity(order[0]), Seed(order[0])),
            BaseIdentity = "base",
            Data = new DataSpec { Set = "emoji:twitter", Count = Prompts.Length },
            DataSha256 = "data",
            Recipe = new FineTuneRecipe { Steps = 3 },
            Seeds = [.. order.Skip(1).Select(Seed)],
            Prompts = Prompts,
            Draws = Draws,
            Side = Side,
            DrawingSeed = 1,
            Sampling = new SamplingRecipe(),
            Statement = TwinDesign.NotPicked,
        };
    }

    /// <summary>The set with the models in an order, the first being the source.</summary>
    public TwinSet Save(string path, int[]? order = null)
    {
        order ??= [.. Enumerable.Range(0, Models)];
        var (folder, layout) = (new RunFolder(path), new SheetLayout(Prompts.Length, Draws, Side));
        var models = new List<TwinModel>();
        for (int j = 0; j < order.Length; j++)
        {
            int model = order[j];
            RgbImage[] pages = [.. Enumerable.Range(0, layout.Pages).Select(p => layout.Compose(p, (prompt, draw) => Of(model, prompt)[draw]))];
            for (int p = 0; p < pages.Length; p++) folder.Write(TwinSet.PageFile(j, p), ImageCodecs.EncodeWebPLossless(pages[p]));
            models.Add(new TwinModel($"model {model}", Seed(model), Identity(model), [.. pages.Select(ImageHash.Of)]));
        }
        return TwinSet.Save(folder, Design(order), true, models);
    }

    private static string Identity(int model) => $"{model + 1:x64}";

    private static ulong Seed(int model) => 1000 + (ulong)model;
}
