using System.Collections.Frozen;

namespace CudaAttribution.Tensors.Weights.Torch;

/// <summary>
/// What the pickle of a PyTorch file may make: tensors over storages, ordered dicts, modules of a TorchScript program, and what a pickle has by
/// itself. Every other name stands for a value that is not made (<see cref="PickleOpaque"/>); names by which a pickle would act on the machine are
/// refused, since the file that has one was made to do harm.
/// </summary>
internal sealed class TorchPickle : IPickleHost
{
    private const int RebuildArguments = 6;

    private static readonly FrozenDictionary<string, DType?> Storages = new Dictionary<string, DType?>
    {
        ["FloatStorage"] = DType.F32,
        ["DoubleStorage"] = DType.F64,
        ["HalfStorage"] = DType.F16,
        ["BFloat16Storage"] = DType.BF16,
        ["IntStorage"] = DType.I32,
        ["LongStorage"] = DType.I64,
        ["ByteStorage"] = DType.U8,
        ["CharStorage"] = null,
        ["ShortStorage"] = null,
        ["BoolStorage"] = null,
        ["ComplexFloatStorage"] = null,
        ["ComplexDoubleStorage"] = null,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Modules none of whose functions a file of tensors can need; for a clear message, since nothing is ever called.</summary>
    private static readonly FrozenSet<string> Acting = FrozenSet.Create(
        StringComparer.Ordinal,
        "os", "posix", "nt", "subprocess", "sys", "shutil", "socket", "runpy", "pty", "importlib", "ctypes", "webbrowser", "marshal", "code",
        "codeop", "commands", "popen2", "pickle", "_pickle", "dill", "cloudpickle", "http", "httplib", "urllib", "urllib2", "requests", "aiohttp",
        "ftplib", "smtplib", "multiprocessing", "asyncio", "threading", "signal", "pip", "ensurepip", "pdb", "bdb", "timeit", "cProfile", "profile",
        "trace", "venv", "zipimport", "pkgutil", "pydoc", "atexit", "gc", "fileinput", "linecache");

    private static readonly FrozenSet<string> ActingBuiltins = FrozenSet.Create(
        StringComparer.Ordinal, "eval", "exec", "execfile", "compile", "open", "file", "input", "raw_input", "apply", "breakpoint", "__import__");

    private readonly SortedSet<string> _skipped = new(StringComparer.Ordinal);

    /// <summary>Names that were met and stand for nothing, in ordinal order.</summary>
    public IReadOnlyCollection<string> Skipped => _skipped;

    public object Global(string module, string name)
    {
        var global = new PickleGlobal(module, name);
        bool builtin = module is "builtins" or "__builtin__";
        if (builtin ? ActingBuiltins.Contains(name) : Acting.Contains(module.Split('.')[0]))
        {
            throw new PickleException(
                $"the file refers to '{PrintableText.Of(global.ToString())}', which no file of tensors needs: it may have been made to do harm. "
                + "Nothing was executed; do not load it with PyTorch");
        }
        if (!IsKnown(global)) _skipped.Add(global.ToString());
        return global;
    }

    public object? Call(PickleGlobal callable, object?[] arguments) => callable switch
    {
        { Module: "torch._utils", Name: "_rebuild_tensor_v2" } => Tensor(arguments),
        { Module: "torch._utils", Name: "_rebuild_parameter" } => arguments is [TorchTensor tensor, ..]
            ? tensor
            : new PickleOpaque(callable.ToString()),
        { Module: "collections", Name: "OrderedDict" } => OrderedDict(arguments),
        _ => new PickleOpaque(callable.ToString()),
    };

    public object Construct(PickleGlobal type) => IsScript(type) ? new PickleModule() : new PickleOpaque(type.ToString());

    public object Persistent(object? id)
    {
        if (id is not object?[] { Length: >= 5 } parts || parts[0] is not "storage" || parts[1] is not PickleGlobal type || parts[2] is not string key
            || parts[4] is not (long and >= 0 and long count))
        {
            throw new PickleException("the pickle refers to something outside it that is no storage of PyTorch: the file is damaged");
        }
        if (type.Module != "torch" || !Storages.TryGetValue(type.Name, out var element))
        {
            throw new PickleException($"'{PrintableText.Of(type.ToString())}' is no storage class of PyTorch that is known");
        }
        return new TorchStorage(key, type.ToString(), element, count);
    }

    /// <summary>Whether a name is that of a class which the program in the file declares; its code is never read.</summary>
    private static bool IsScript(PickleGlobal global) => global.Module.Split('.')[0] == "__torch__";

    private static bool IsKnown(PickleGlobal global) => IsScript(global) || global switch
    {
        { Module: "torch", Name: var name } => Storages.ContainsKey(name),
        { Module: "torch._utils", Name: "_rebuild_tensor_v2" or "_rebuild_parameter" } => true,
        { Module: "collections", Name: "OrderedDict" } => true,
        _ => false,
    };

    /// <summary>Arguments: storage, offset, sizes, strides, requires_grad, hooks; and, since 2.0, metadata.</summary>
    private static TorchTensor Tensor(object?[] arguments)
    {
        if (arguments.Length < RebuildArguments || arguments[0] is not TorchStorage storage || arguments[1] is not long offset
            || Integers(arguments[2]) is not { } sizes || Integers(arguments[3]) is not { } strides)
        {
            throw new PickleException("a tensor in the pickle has no storage, offset, sizes and strides: the file is damaged");
        }
        return TorchTensor.Checked(storage, offset, sizes, strides);
    }

    private static long[]? Integers(object? value) =>
        value is object?[] tuple && tuple.All(v => v is long) ? [.. tuple.Select(v => (long)v!)] : null;

    /// <summary>Empty, or from a list of pairs as Python 2 wrote it.</summary>
    private static PickleDict OrderedDict(object?[] arguments)
    {
        var dict = new PickleDict();
        if (arguments is not [List<object?> pairs, ..]) return dict;
        foreach (object? pair in pairs)
        {
            var (key, value) = pair switch
            {
                object?[] and [var k, var v] => (k, v),
                List<object?> and [var k, var v] => (k, v),
                _ => throw new PickleException("an ordered dict in the pickle is not made of pairs: the file is damaged"),
            };
            dict.Set(key, value);
        }
        return dict;
    }
}
