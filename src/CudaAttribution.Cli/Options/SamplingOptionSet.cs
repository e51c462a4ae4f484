using System.CommandLine;
using CudaAttribution.Answers;
using CudaAttribution.Models.Schedulers;

namespace CudaAttribution.Cli.Options;

/// <summary>How pictures are made, in every command that makes some.</summary>
internal sealed class SamplingOptionSet
{
    private readonly Option<int> _steps = new("--sample-steps")
    {
        Description = "Steps of a picture: evaluations of the network.",
        DefaultValueFactory = _ => new SamplingRecipe().Steps,
        HelpName = "n",
    };

    private readonly Option<double> _guidance = new("--guidance")
    {
        Description = "Weight of classifier-free guidance; 1 or less turns it off.",
        DefaultValueFactory = _ => new SamplingRecipe().Guidance,
        HelpName = "w",
    };

    private readonly Option<SolverKind> _solver = new("--solver")
    {
        Description = "Solver of the steps: ddim, euler or dpmsolver (DPM-Solver++ of second order). The spacing of timesteps is the model's.",
        DefaultValueFactory = _ => new SamplingRecipe().Solver,
        HelpName = "name",
    };

    private readonly Option<string?> _negative = new("--negative")
    {
        Description = "Negative prompt: what guidance leads away from. It needs a guidance above 1; without it that is the empty prompt.",
        HelpName = "text",
    };

    private readonly Option<int?> _tile = CommonOptions.Tile();

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _steps, _guidance, _solver, _negative, _tile }) command.Add(option);
    }

    /// <exception cref="UsageException">There is a negative prompt and no guidance.</exception>
    public SamplingRecipe Read(ParseResult parsed)
    {
        var recipe = new SamplingRecipe
        {
            Steps = parsed.GetValue(_steps), Guidance = parsed.GetValue(_guidance), Solver = parsed.GetValue(_solver),
            NegativePrompt = parsed.GetValue(_negative), Tile = parsed.GetValue(_tile),
        };
        return recipe is { NegativePrompt: not null, Guidance: not > 1 }
            ? throw new UsageException("--negative has no effect without guidance: use a --guidance above 1, or leave it out")
            : recipe;
    }
}
