using CudaAttribution.Answers;
using CudaAttribution.Experiments.Units;
using CudaAttribution.Keys;
using CudaAttribution.Measures;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;
using CudaAttribution.Shadows;
using CudaAttribution.Tensors;

namespace CudaAttribution.Experiments.Plans;

/// <summary>What shadows are wanted of a source.</summary>
public sealed record ShadowDesign
{
    public required ShadowModels Models { get; init; }

    /// <summary>Whose captions the prompts of generated pictures are drawn from.</summary>
    public required DataSpec Prompts { get; init; }

    /// <summary>Real pictures of innocent shadows, and the rest of infringing ones.</summary>
    public required DataSpec Real { get; init; }

    /// <summary>Copy measure of the features.</summary>
    public required string Measure { get; init; }

    /// <summary>Answers to each key, 1 or 2.</summary>
    public required int Draws { get; init; }

    /// <summary>Pictures of each key prompt by the base model.</summary>
    public required int BaselineDraws { get; init; }

    public required ulong Seed { get; init; }

    /// <exception cref="UserException">A number makes no sense.</exception>
    public void Validate()
    {
        Models.Validate();
        MeasureRegistry.CheckPixel(Measure);
        if (Draws is not (1 or 2)) throw new UserException($"{Draws} answers to each key are wanted", "Ask once or twice.");
        if (BaselineDraws < 1) throw new UserException($"{BaselineDraws} pictures of each key prompt are wanted", "Draw at least one.");
    }
}

/// <summary>Shadows as units, with what they are made from, by what a store calls it: the file <c>plan.json</c> beside the store.</summary>
public sealed record ShadowPlan
{
    public const string FileName = "plan.json", CurrentSchema = "cudattr-shadow-plan-1";

    private const string StoreFolder = "units", Baseline = "baseline";

    public string Schema { get; init; } = CurrentSchema;

    public required ShadowDesign Design { get; init; }

    /// <summary>The contents that are base model, source and keys.</summary>
    public required string Base { get; init; }

    public required string Source { get; init; }

    public required string Keys { get; init; }

    /// <summary>How every model is sampled: as the keys say.</summary>
    public required SamplingRecipe Sampling { get; init; }

    public required UnitData Prompts { get; init; }

    public required UnitData Real { get; init; }

    public UnitEngine? Engine { get; init; }

    /// <summary>Imports what shadows are made from into the folder's store, and writes plan and units.</summary>
    /// <param name="design">What is wanted.</param>
    /// <param name="baseModel">G0.</param>
    /// <param name="source">The source.</param>
    /// <param name="keys">Folder of its frozen keys.</param>
    /// <param name="device">What trains and asks.</param>
    /// <param name="folder">Gets plan and store.</param>
    /// <exception cref="UserException">Something makes no sense, the keys are of another source, or the folder is for other shadows.</exception>
    public static ShadowPlan Make(ShadowDesign design, string baseModel, string source, string keys, ComputeDevice device, RunFolder folder)
    {
        design.Validate();
        var frozen = KeySet.Load(keys);
        var header = frozen.Header;
        var sampling = header.Sampling ?? throw new UserException("the keys are not those of a model that is run here", "Select keys with the source's weights.", keys);
        using (var model = LocalModel.Open(source, device, sampling))
            if (model.Identity != header.SourceIdentity)
                throw new UserException($"the keys are those of '{header.SourceName}', a model of other weights than this source", "Give its own keys.", keys);
        var store = UnitStore.OpenOrCreate(folder.Path(StoreFolder));
        frozen.Save(folder.Path(KeySet.FolderName));
        var plan = new ShadowPlan
        {
            Design = design, Base = store.Import(LocalModel.ModelFolder(baseModel)), Source = store.Import(LocalModel.ModelFolder(source)),
            Keys = store.Import(folder.Path(KeySet.FolderName)), Sampling = sampling, Prompts = UnitData.Import(store, design.Prompts, ""), Real = UnitData.Import(store, design.Real, ""),
            Engine = UnitEngine.Of(device),
        };
        using var claim = Claim.Take(folder, FileName, plan, "shadows");
        store.Add(plan.Units());
        return plan;
    }

    /// <summary>Reads the plan of a folder.</summary>
    /// <exception cref="UserException">There is none.</exception>
    public static ShadowPlan Load(string folder)
    {
        string file = Path.Combine(folder, FileName);
        var plan = Json.Read<ShadowPlan>(file, "plan of shadows");
        Json.CheckSchema(plan.Schema, CurrentSchema, file);
        plan.Design.Validate();
        return plan;
    }

    /// <summary>The store of a folder of shadows.</summary>
    /// <exception cref="UserException">There is none.</exception>
    public static UnitStore StoreOf(string folder) => UnitStore.Open(Path.Combine(folder, StoreFolder));

    /// <summary>The plan as units; its results are what the shadows answered, in their order, and then the baseline.</summary>
    public UnitGraph Units()
    {
        var drawing = new BaselineSettings { Draws = Design.BaselineDraws, Seed = Design.Seed, Sampling = Sampling, Engine = Engine };
        var units = new Dictionary<string, PlannedUnit>
        {
            [Baseline] = new(BaselineKind.KindName, UnitSettings.Write(drawing, new BaselineSettings()), [Base, Keys]),
        };
        var asking = new ExamineSettings { Features = Design.Measure, Draws = Design.Draws, Seed = Design.Seed, Sampling = Sampling, Engine = Engine };
        foreach (var plan in Plans())
        {
            var (prompts, real) = (plan.Rho > 0 ? Prompts : null, plan.Rho < 1 ? Real : null);
            var building = new ModelSettings
            {
                Plan = plan, Sampling = plan.Rho > 0 ? Sampling : new ModelSettings().Sampling, Prompts = prompts?.Spec, Real = real?.Spec, Engine = Engine,
            };
            string[] inputs = [Base, .. plan.Rho > 0 ? [Source] : Array.Empty<string>(), .. prompts?.Inputs ?? [], .. real?.Inputs ?? []];
            units.Add(plan.Name, new("model-1", UnitSettings.Write(building, new ModelSettings()), inputs));
            units.Add(Answers(plan), new(ExamineKind.KindName, UnitSettings.Write(asking, new ExamineSettings()), [plan.Name, Keys, Baseline]));
        }
        return new UnitPlan { Units = units, Results = [.. Plans().Select(Answers), Baseline] }.Resolve();

        static string Answers(ModelPlan plan) => $"answers of {plan.Name}";
    }

    /// <summary>Learns from the shadows, and writes all that scoring needs: discriminator, keys and baseline.</summary>
    /// <param name="shadows">The folder of the plan, with all units finished.</param>
    /// <param name="c">C of the regression.</param>
    /// <param name="path">The folder that it goes to.</param>
    /// <exception cref="UserException">A unit is not finished.</exception>
    public Discriminator Learn(string shadows, double c, string path)
    {
        var store = StoreOf(shadows);
        var results = Units().Results;
        if (results.FirstOrDefault(id => !store.IsFinished(id)) is { } open)
            throw new UserException($"unit {open} is not computed yet", "Train the shadows first.", shadows);
        var discriminator = Discriminator.Fit(
            [.. Plans().Zip(results, (plan, id) => new ShadowFeatures(plan.Name, plan.Rho, ModelFeatures.Load(Path.Combine(store.ResultOf(id), ModelFeatures.FileName))))],
            c);
        var folder = new RunFolder(path);
        var keys = KeySet.Load(Path.Combine(shadows, KeySet.FolderName));
        keys.Save(folder.Path(KeySet.FolderName));
        KeyBaseline.Load(Path.Combine(store.ResultOf(results[^1]), KeyBaseline.FolderName), keys).Save(folder.Path(KeyBaseline.FolderName));
        folder.WriteJson(Discriminator.FileName, discriminator);
        return discriminator;
    }

    private IEnumerable<ModelPlan> Plans() => Design.Models.Plans(name => Philox.Stream($"shadow/{name}", Design.Seed));
}
