namespace CudaAttribution.Tensors.Weights.Torch;

/// <summary>A name that a pickle refers to. Nothing of that name is looked up or run.</summary>
/// <param name="Module">Module, <c>torch._utils</c> for example.</param>
/// <param name="Name">Name in it.</param>
internal sealed record PickleGlobal(string Module, string Name)
{
    public override string ToString() => $"{Module}.{Name}";
}

/// <summary>A value that is of no interest and was not made: only what it would be is kept. What a pickle adds to it is dropped.</summary>
/// <param name="What">Its class or the function that would make it.</param>
internal sealed record PickleOpaque(string What);

/// <summary>A dict; entries whose key is not a string are dropped, no tensor is found by such a key.</summary>
internal sealed class PickleDict
{
    private Dictionary<string, object?>? _entries;

    public IReadOnlyDictionary<string, object?> Entries => _entries ??= [];

    public void Set(object? key, object? value)
    {
        if (key is string name) (_entries ??= new Dictionary<string, object?>(StringComparer.Ordinal))[name] = value;
    }
}

/// <summary>An object of a TorchScript program: its attributes by name. It has none until the pickle gives it some.</summary>
internal sealed class PickleModule
{
    public PickleDict Attributes { get; set; } = new();
}

/// <summary>A pickle is damaged, or asks for something that a file of tensors does not need.</summary>
internal sealed class PickleException(string message) : Exception(message);

/// <summary>Decides what the names, calls and outside references in a pickle become.</summary>
internal interface IPickleHost
{
    /// <summary>Admits or refuses a name.</summary>
    /// <exception cref="PickleException">It is refused.</exception>
    object Global(string module, string name);

    /// <summary>What calling <paramref name="callable"/> would give.</summary>
    /// <exception cref="PickleException">The arguments are not those of the call.</exception>
    object? Call(PickleGlobal callable, object?[] arguments);

    /// <summary>What an object of a class is, before it has its state.</summary>
    object Construct(PickleGlobal type);

    /// <summary>What an outside reference stands for.</summary>
    /// <exception cref="PickleException">It is none that is known.</exception>
    object Persistent(object? id);
}
