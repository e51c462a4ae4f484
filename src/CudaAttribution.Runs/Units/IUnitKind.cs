namespace CudaAttribution.Runs.Units;

/// <summary>
/// The code behind a kind of unit. The same settings and inputs give the same files, bit for bit; code whose results change takes a new name.
/// </summary>
public interface IUnitKind
{
    /// <summary>What plans call it: <c>draw-1</c>.</summary>
    string Name { get; }

    /// <summary>
    /// Whether <see cref="Compute"/> goes on from what an attempt that was killed left in the folder, to the same bits; else it gets an empty folder.
    /// </summary>
    bool Resumes => false;

    /// <summary>Refuses settings that cannot be computed, before anything is.</summary>
    /// <exception cref="UserException">The settings make no sense.</exception>
    void Check(WorkUnit unit);

    /// <summary>Computes the unit into its folder.</summary>
    /// <exception cref="UserException">It cannot be computed.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    void Compute(UnitWork work);
}
