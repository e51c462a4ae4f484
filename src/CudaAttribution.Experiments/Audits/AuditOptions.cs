using CudaAttribution.Answers;
using CudaAttribution.Models.Files.Sources;
using CudaAttribution.Populations;
using CudaAttribution.Remote;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;
using CudaAttribution.Verdicts;

namespace CudaAttribution.Experiments.Audits;

/// <summary>What an audit is given. Everything here is fixed before the first query.</summary>
public sealed record AuditOptions
{
    /// <summary>The owner's model.</summary>
    public required ModelReference Source { get; init; }

    /// <summary>The model that the source started from; null where it is unknown. A control.</summary>
    public ModelReference? Base { get; init; }

    /// <summary>Folder or file of the served log; null for none.</summary>
    public string? Served { get; init; }

    /// <summary>Whether the owner states that the log has every picture that was returned for its prompts.</summary>
    public bool CompleteLog { get; init; }

    /// <summary>Folder of the twins, which are trained and drawn in it where they are not finished; null for none.</summary>
    public string? Twins { get; init; }

    /// <summary>Models and descriptions of services, in the order of the results.</summary>
    public required IReadOnlyList<string> Suspects { get; init; }

    public PrimaryTest Primary { get; init; }

    public double Alpha { get; init; } = 0.01;

    /// <summary>Largest share of unusable answers.</summary>
    public double Unusable { get; init; } = Usability.DefaultShare;

    /// <summary>Whether suspects are asked until they are shown, and no further.</summary>
    public bool Sequential { get; init; }

    /// <summary>K: fresh pictures of each served prompt.</summary>
    public int Fresh { get; init; } = 19;

    /// <summary>N: served prompts of each account that are asked at most.</summary>
    public int Prompts { get; init; } = 100;

    /// <summary>Served prompts of each account that they are chosen from, at most.</summary>
    public int Pool { get; init; } = 200;

    /// <summary>Prompts that source-swap asks.</summary>
    public int SwapPrompts { get; init; } = 64;

    /// <summary>Answers to each of them.</summary>
    public int SwapAnswers { get; init; } = 2;

    public string Measure { get; init; } = "px";

    public ulong Seed { get; init; } = 1;

    public SamplingRecipe Sampling { get; init; } = new();

    /// <summary>Captions for the decoys of remote suspects.</summary>
    public IReadOnlyList<string> DecoyPool { get; init; } = [];

    /// <summary>Opens a suspect.</summary>
    /// <param name="path">As in <see cref="Suspects"/>.</param>
    /// <param name="device">Where a local one runs.</param>
    /// <param name="folder">Keeps the answers of a service.</param>
    /// <param name="size">Side of the pictures that answers are compared with.</param>
    internal OpenedSuspect Open(string path, ComputeDevice device, RunFolder folder, int size) => SuspectOpener.Open(path, new SuspectOptions
    {
        Device = device, Sampling = Sampling, Folder = folder, Size = (size, size), DecoyPool = DecoyPool,
    });

    /// <exception cref="UserException">A number makes no sense, or options contradict one another.</exception>
    public void Check()
    {
        AuditPlan.CheckRates(Alpha, Unusable);
        Least(Fresh, 1, "fresh pictures of a prompt");
        Least(Prompts, 1, "served prompts");
        Least(Pool, Prompts, "served prompts to choose from");
        Least(SwapPrompts, 1, "prompts of source-swap");
        Least(SwapAnswers, 1, "answers to a prompt of source-swap");
        if (Sequential && Twins is not null)
            throw new UserException("only served-versus-fresh can stop early", "Ask all queries, or leave the twins out.") { Setting = "sequential" };

        static void Least(int value, int least, string what)
        {
            if (value < least) throw new UserException($"{value} {what} are asked for", $"Use at least {least}.");
        }
    }
}
