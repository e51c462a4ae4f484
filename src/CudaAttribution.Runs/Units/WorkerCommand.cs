namespace CudaAttribution.Runs.Units;

/// <summary>
/// The command that computes one unit of a store in a process of its own, as <see cref="UnitWorker"/> does, and writes <see cref="WorkerLine"/>s to
/// standard output, messages to standard error.
/// </summary>
/// <param name="Program">The program.</param>
/// <param name="Arguments">Its arguments; one that is <see cref="Id"/> stands for the unit's id.</param>
public sealed record WorkerCommand(string Program, IReadOnlyList<string> Arguments)
{
    /// <summary>The place of the id.</summary>
    public const string Id = "{id}";

    /// <summary>Program and arguments for a unit.</summary>
    public IReadOnlyList<string> For(string id) => [Program, .. Arguments.Select(a => a == Id ? id : a)];
}
