using System.CommandLine;
using CudaAttribution.Populations;

namespace CudaAttribution.Cli.Options;

/// <summary>The options of <c>finetune</c>: what every training has, the base model and the adapter.</summary>
internal sealed class FineTuningOptionSet
{
    /// <summary>The name that diffusers looks for.</summary>
    public const string AdapterFile = "pytorch_lora_weights.safetensors";

    private readonly Option<int?> _rank = new("--lora-rank")
    {
        Description = "Train a low-rank adapter of this rank on the attentions' projections in place of the weights. Beside the model, into "
            + $"which it is merged, it is written as {AdapterFile}, for diffusers and for --lora.",
        HelpName = "n",
    };

    private readonly Option<double?> _alpha = new("--lora-alpha")
    {
        Description = "The adapter counts alpha / rank times; the rank if not given.",
        HelpName = "x",
    };

    /// <summary>The model to start from.</summary>
    public ModelOptionSet Base { get; } = new("--base", "The model to start from.");

    public TrainingOptionSet Common { get; } = new(learningRate: 1e-4, steps: 500);

    /// <summary>The options that <see cref="Recipe"/> reads, and what a damaged picture does.</summary>
    public IEnumerable<Option> OfRecipe => [.. Common.OfRecipe, _rank, _alpha];

    public void AddTo(Command command)
    {
        Base.AddTo(command);
        command.Add(_rank);
        command.Add(_alpha);
        Common.AddTo(command);
    }

    /// <exception cref="UsageException">There is an alpha and no rank.</exception>
    public FineTuneRecipe Recipe(ParseResult parsed)
    {
        var (rank, alpha) = (parsed.GetValue(_rank), parsed.GetValue(_alpha));
        return rank is null && alpha is not null
            ? throw new UsageException("--lora-alpha needs --lora-rank")
            : Common.Recipe(parsed) with { AdapterRank = rank, AdapterAlpha = alpha };
    }
}
