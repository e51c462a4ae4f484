using CudaAttribution.Populations;
using CudaAttribution.Runs;

namespace CudaAttribution.Shadows;

/// <summary>The shadow models of a source (Zhang et al. 2024, statistical level): as many innocent as infringing ones.</summary>
/// <param name="Each">s: models of each class.</param>
/// <param name="Rhos">Shares ρ of the infringing ones, in turn.</param>
/// <param name="Count">n: pictures in a training set.</param>
/// <param name="Training">How they are trained.</param>
public sealed record ShadowModels(int Each, IReadOnlyList<double> Rhos, int Count, FineTuneRecipe Training)
{
    /// <exception cref="UserException">A number makes no sense.</exception>
    public void Validate()
    {
        if (Each < 2) throw new UserException($"{Each} shadows of each class are wanted", "Use at least two: each is held out once.");
        if (Rhos.Count == 0 || Rhos.Any(r => r is not (> 0 and <= 1)))
            throw new UserException($"the shares rho of infringing shadows are {string.Join(", ", Rhos)}", "Name at least one, above 0, to 1.");
        if (Count < 1) throw new UserException($"the training set of a shadow has {Count} pictures", "Use at least one.");
        Training.Validate();
    }

    /// <summary>What to build.</summary>
    /// <param name="seed">Seed of a model, by its name.</param>
    public IEnumerable<ModelPlan> Plans(Func<string, ulong> seed)
    {
        for (int i = 0; i < Each; i++)
        {
            yield return Plan($"infringing shadow {i + 1}", Rhos[i % Rhos.Count]);
            yield return Plan($"innocent shadow {i + 1}", 0);
        }

        ModelPlan Plan(string name, double rho) => new()
        {
            Name = name, Role = ModelRole.Shadow, Rho = rho, Count = Count, RealFamily = rho < 1 ? InnocentFamily.RealOther : null, Seed = seed(name),
            Training = Training,
        };
    }
}
