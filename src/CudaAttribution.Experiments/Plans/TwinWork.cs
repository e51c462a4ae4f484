using CudaAttribution.Runs.Units;
using CudaAttribution.Twins;

namespace CudaAttribution.Experiments.Plans;

/// <summary>What twins take to make.</summary>
/// <param name="Trainings">Units that train: the twins and, where the source's seed is known, the source once more.</param>
/// <param name="Pictures">Pictures that are drawn of source and twins.</param>
/// <param name="Minutes">Of training, by the time that the source's own took; null where that is not known.</param>
public sealed record TwinWork(int Trainings, long Pictures, double? Minutes)
{
    /// <summary>All that a design takes.</summary>
    /// <param name="design">The design.</param>
    /// <param name="seconds">What the source's own training took; null where that is not known.</param>
    public static TwinWork Of(TwinDesign design, double? seconds) =>
        Of(design, design.Seeds.Count + (design.Source.Seed is null ? 0 : 1), design.Seeds.Count + 1, seconds);

    /// <summary>What is not computed yet of a plan.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="store">Its store.</param>
    /// <param name="seconds">What the source's own training took; null where that is not known.</param>
    public static TwinWork Left(TwinPlan plan, UnitStore store, double? seconds)
    {
        var units = plan.Units();
        return Of(plan.Design, units.Trained.Count(Open), units.Sheets.Count(Open), seconds);

        bool Open(string id) => !store.IsFinished(id);
    }

    private static TwinWork Of(TwinDesign design, int trainings, int sheets, double? seconds) =>
        new(trainings, (long)sheets * design.Prompts.Count * design.Draws, seconds is { } each ? Math.Round(each * trainings / 60) : null);
}
