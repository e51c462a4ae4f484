using System.Globalization;
using System.Runtime.CompilerServices;

namespace CudaAttribution.Tensors;

/// <summary>Argument checks of the ops. A failure names the op, the argument, what it is and what it must be.</summary>
internal static class OpCheck
{
    /// <summary>Element type and device of an argument.</summary>
    public static void Argument(
        ComputeDevice device, string op, Tensor x, DType type = DType.F32, [CallerArgumentExpression(nameof(x))] string name = "")
    {
        if (x.Type != type) throw new ArgumentException($"{op}: {name} is {x}, its element type must be {type}", name);
        if (!ReferenceEquals(x.Device, device))
        {
            throw new ArgumentException(
                $"{op}: {name} {x} is on device {x.Device.Driver.Info.Id}, not on the opened device ({device.Driver.Info.Id}) of this call", name);
        }
    }

    /// <summary>Element type, device and shape of an argument.</summary>
    public static void Argument(
        ComputeDevice device, string op, Tensor x, Shape shape, DType type = DType.F32, [CallerArgumentExpression(nameof(x))] string name = "")
    {
        Argument(device, op, x, type, name);
        if (x.Shape != shape) throw new ArgumentException($"{op}: {name} is {x}, its shape must be {shape}", name);
    }

    /// <summary>A rule on the shape of an argument; <paramref name="rule"/> says what it must be.</summary>
    public static void That(bool holds, string op, Tensor x, string rule, [CallerArgumentExpression(nameof(x))] string name = "")
    {
        if (!holds) throw new ArgumentException($"{op}: {name} is {x}, it must be {rule}", name);
    }

    /// <summary>The same where the rule is put together: it is only where it is broken.</summary>
    public static void That(
        bool holds,
        string op,
        Tensor x,
        [InterpolatedStringHandlerArgument(nameof(holds))] ref OpRule rule,
        [CallerArgumentExpression(nameof(x))] string name = "")
    {
        if (!holds) That(holds, op, x, rule.ToStringAndClear(), name);
    }

    /// <summary>An extent or count as the kernels take it.</summary>
    /// <exception cref="ArgumentException">It does not fit 32 bits.</exception>
    public static int Int(string op, long value, string what) =>
        value <= int.MaxValue ? (int)value : throw new ArgumentException($"{op}: {what} is {value}, a kernel takes at most {int.MaxValue}");
}

/// <summary>Text of a rule that is formatted only where the rule does not hold: a launch builds no strings.</summary>
[InterpolatedStringHandler]
internal ref struct OpRule
{
    private DefaultInterpolatedStringHandler _text;

    public OpRule(int literalLength, int formattedCount, bool holds, out bool wanted)
    {
        wanted = !holds;
        _text = wanted ? new DefaultInterpolatedStringHandler(literalLength, formattedCount, CultureInfo.InvariantCulture) : default;
    }

    public void AppendLiteral(string value) => _text.AppendLiteral(value);

    public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);

    public string ToStringAndClear() => _text.ToStringAndClear();
}
