using CudaAttribution.Runs;

namespace CudaAttribution.Answers;

/// <summary>A model that is opened when its turn comes, so that no two are in memory at once.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Identity">Its <see cref="IImageModel.Identity"/>.</param>
/// <param name="Open">Opens it.</param>
public sealed record UnopenedModel(string Name, string Identity, Func<IImageModel> Open)
{
    /// <summary>A model that is open already; whoever opened it closes it.</summary>
    public static UnopenedModel Of(IImageModel model) => new(model.Name, model.Identity, () => new Borrowed(model));

    /// <summary>Opens it, uses it and closes it.</summary>
    /// <exception cref="UserException">It is not the model that was named.</exception>
    public T Use<T>(Func<IImageModel, T> use)
    {
        var model = Open();
        try
        {
            return model.Identity == Identity
                ? use(model)
                : throw new UserException(
                    $"'{Name}' is not the model that was named (its weights changed)", "Build it again, or restore the folder.");
        }
        finally
        {
            (model as IDisposable)?.Dispose();
        }
    }

    private sealed class Borrowed(IImageModel model) : IImageModel
    {
        public string Name => model.Name;

        public string Identity => model.Identity;

        public string Setup => model.Setup;

        public SamplingRecipe? Sampling => model.Sampling;

        public bool KeepsAnswers => model.KeepsAnswers;

        public Runs.Manifests.ServiceSummary? Remote => model.Remote;

        public IReadOnlyList<Answer> Generate(IReadOnlyList<Query> queries, CancellationToken cancel = default) => model.Generate(queries, cancel);
    }
}
