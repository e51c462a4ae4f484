using System.CommandLine;
using CudaAttribution.Answers;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Keys;
using CudaAttribution.Measures;
using CudaAttribution.Populations;
using CudaAttribution.Remote;

namespace CudaAttribution.Cli.Commands;

/// <summary><c>cudattr keys select</c>: finds and freezes key samples.</summary>
internal static class KeysCommand
{
    public static Command Create()
    {
        var defaults = new KeySelectionOptions();
        var source = new ModelOptionSet("--source", "The owner's model.");
        var data = CommonOptions.Data("--data", "What the source was fine-tuned on");
        data.Required = true;
        var innocents = new Option<DirectoryInfo?>("--innocents")
        {
            Description = "Folder of reference innocents; those of split SEL filter out keys that are not distinctive.",
            HelpName = "folder",
        };
        var strategy = new Option<KeyStrategy>("--strategy")
        {
            Description = "detect: training pictures the source reproduces best; generate: prompts it always answers alike; "
                + "random: unfiltered draws.",
            DefaultValueFactory = _ => defaults.Strategy,
            HelpName = "name",
        };
        var metric = CommonMetric();
        var count = new Option<int>("--n") { Description = "Keys.", DefaultValueFactory = _ => defaults.Count, HelpName = "n" };
        var draws = new Option<int>("--draws")
        {
            Description = "Pictures of the source per prompt; 0: 4 for detect, 8 otherwise.",
            DefaultValueFactory = _ => defaults.Draws,
            HelpName = "K",
        };
        var candidates = new Option<int?>("--candidates") { Description = "Prompts to look at, drawn at random; default all.", HelpName = "n" };
        var lambda = new Option<double>("--lambda")
        {
            Description = "Weight of the distance to the nearest innocent in the ranking.",
            DefaultValueFactory = _ => defaults.Lambda,
            HelpName = "x",
        };
        var threshold = new Option<double?>("--threshold")
        {
            Description = "Threshold of the metric; default the metric's own (0.15).",
            HelpName = "x",
        };
        var dispersion = new Option<double?>("--max-dispersion")
        {
            Description = "Keys need answers of the source that differ by at most this.",
            HelpName = "x",
        };
        var divergence = new Option<double>("--min-divergence")
        {
            Description = "Keys need a medoid that is farther than this from the training picture.",
            DefaultValueFactory = _ => defaults.MinDivergence,
            HelpName = "x",
        };
        var weight = new Option<double>("--divergence-weight")
        {
            Description = "Weight of that distance in the ranking.",
            DefaultValueFactory = _ => defaults.DivergenceWeight,
            HelpName = "x",
        };
        var bias = new Option<double?>("--max-innocent-paired")
        {
            Description = "Keys need at most this share of innocents' answers that are closer to the medoid than to the training picture.",
            HelpName = "p",
        };
        var paired = new Option<int?>("--paired")
        {
            Description = "Keys of the paired test, chosen apart; default the keys themselves.",
            HelpName = "n",
        };
        var services = new Option<string[]>("--for")
        {
            Description = "JSON file that describes an HTTP service that will be suspected (see 'attribute'); several allowed. Captions that it would read as "
                + "something else than text are left out: weights, networks, bars.",
            HelpName = "file",
        };
        var sampling = new SamplingOptionSet();
        var bad = CommonOptions.OnBadImage();
        var descriptor = CommonOptions.Descriptor();
        var runOptions = new RunOptionSet();
        var select = new Command(
            "select",
            "Finds the key samples of a source model and freezes them: a folder keys/ whose hash later commands check.")
        {
            data, innocents,
            strategy, metric, descriptor, count, draws, candidates, lambda, threshold, dispersion, divergence, weight, bias, paired,
            services, bad,
        };
        source.AddTo(select);
        sampling.AddTo(select);
        runOptions.AddTo(select);
        select.SetAction(parsed =>
        {
            var run = runOptions.Read(parsed);
            using var session = new RunSession("keys select", run);
            var recipe = sampling.Read(parsed);
            using var model = LocalModel.Open(source.Read(parsed), session.Device, recipe);
            var training = DataArgument.Parse(parsed.GetValue(data)!).Load(model.Size, onBadImage: parsed.GetValue(bad));
            session.Model("source", model.Identity, model.Derivation);
            session.Input("data", training.Hash);
            var options = new KeySelectionOptions
            {
                Strategy = parsed.GetValue(strategy),
                Count = parsed.GetValue(count),
                Draws = parsed.GetValue(draws),
                Candidates = parsed.GetValue(candidates),
                Lambda = parsed.GetValue(lambda),
                Threshold = parsed.GetValue(threshold),
                MaxDispersion = parsed.GetValue(dispersion),
                MinDivergence = parsed.GetValue(divergence),
                DivergenceWeight = parsed.GetValue(weight),
                MaxInnocentPaired = parsed.GetValue(bias),
                PairedCount = parsed.GetValue(paired),
                Seed = run.Seed,
            };
            var askable = PromptSyntax.TakenAsText(parsed.GetValue(services) ?? []);
            var references = Unopened(parsed.GetValue(innocents), session, recipe);
            using var store = AnswerStore.Of(session.Folder);
            KeySet keys;
            using (var line = new ProgressLine("selecting keys"))
            using (var cancel = new CancelKey())
            {
                keys = new KeySelector(MeasureRegistry.Create(parsed.GetValue(metric)!, session.Device, parsed.GetValue(descriptor)?.FullName), store)
                    .Select(model, training, references, options, (done, total) => line.Report(done, total, "pictures"), cancel.Token, askable);
            }
            keys.Save(session.Folder.Path(KeySet.FolderName));
            session.Finish();
            if (run.Json)
            {
                Shell.WriteJson(new
                {
                    keys = keys.Keys.Count,
                    keyset_sha256 = keys.Hash,
                    selection = keys.Header.Selection,
                    source_rate = keys.Header.SourceRate,
                });
            }
            else
            {
                Console.WriteLine($"{keys.Keys.Count} keys, frozen as {keys.Hash}: {keys.Header.Selection}");
            }
            return Shell.Done;
        });
        return new Command("keys", "Key samples: prompts whose pictures the source has memorised.") { select };
    }

    internal static Option<string> CommonMetric() => new("--metric")
    {
        Description = $"Reconstruction distance: on pixels {string.Join(" or ", MeasureRegistry.PixelNames)}, by a descriptor "
            + $"{string.Join(", ", MeasureRegistry.DescriptorNames)} (cosine, Euclidean, and both pixels and cosine).",
        DefaultValueFactory = _ => "px",
        HelpName = "name",
    };

    private static UnopenedModel[] Unopened(DirectoryInfo? folder, RunSession session, SamplingRecipe sampling)
    {
        if (folder is null) return [];
        var set = InnocentSet.Load(folder.FullName);
        return [.. set.Of(InnocentSplit.Sel).Select(m => set.Unopened(m, (path, name) => LocalModel.Open(path, session.Device, sampling, name)))];
    }
}
