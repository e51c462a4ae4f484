using CudaAttribution.Runs;

namespace CudaAttribution.Answers;

/// <summary>A model that is opened when its turn comes, so that no two are in memory at once.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Identity">Its <see cref="IImageModel.Identity"/>.</param>
/// <param name="Open">Opens it.</param>
public sealed record UnopenedModel(string Name, string Identity, Func<IImageModel> Open)
{
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
}
