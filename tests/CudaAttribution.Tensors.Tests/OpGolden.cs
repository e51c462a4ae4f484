using System.Text.Json;
using CudaAttribution.Tensors.Verification;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Tensors.Tests;

/// <summary>Single ops by PyTorch in float64, made by <c>build/oracle/make_op_golden.py</c>: <c>{case}.{x,w,b,y,dy,dx,dw,db,...}</c>, NCHW.</summary>
internal static class OpGolden
{
    /// <summary>Largest NMSE against float64.</summary>
    private const double Limit = 1e-11;

    private static readonly Lazy<SafetensorsFile> File = new(() => SafetensorsFile.Open(Golden.File("ops.safetensors")));
    private static readonly Lazy<JsonElement> Notes = new(() => JsonDocument.Parse(System.IO.File.ReadAllText(Golden.File("ops.json"))).RootElement);

    public static int Integer(string name, string note) => Notes.Value.GetProperty(name).GetProperty(note).GetInt32();

    public static float Number(string name, string note) => Notes.Value.GetProperty(name).GetProperty(note).GetSingle();

    public static bool Flag(string name, string note) => Notes.Value.GetProperty(name).GetProperty(note).GetBoolean();

    /// <summary>A tensor of a case on a device, rank 4 as NHWC (weights as OHWI).</summary>
    public static Tensor Load(Arena arena, string name) => arena.From(Values(name, out var shape), shape);

    /// <summary>Runs an op on the inputs of a case and compares its output and every gradient.</summary>
    public static void Check(ComputeDevice device, string name, string[] inputs, Func<Tape, Tensor[], Tensor> run)
    {
        using var arena = new Arena(device);
        using var tape = new Tape(device, record: true);
        Tensor[] tensors = [.. inputs.Select(i => Load(arena, $"{name}.{i}"))];
        foreach (var tensor in tensors) tensor.RequiresGrad = true;
        var y = run(tape, tensors);
        using (Assert.EnterMultipleScope())
        {
            Matches(y, $"{name}.y");
            tape.Backward(y, arena.From(Values($"{name}.dy", out _), y.Shape));
            for (int i = 0; i < inputs.Length; i++) Matches(tensors[i].Grad!, $"{name}.d{inputs[i]}");
        }
    }

    /// <summary>Compares a tensor with one of a case.</summary>
    public static void Matches(Tensor actual, string name)
    {
        float[] expected = Values(name, out _);
        double error = Tolerance.Nmse(Array.ConvertAll(actual.ToArray<float>(), v => (double)v), Array.ConvertAll(expected, v => (double)v));
        Assert.That(error, Is.LessThanOrEqualTo(Limit), name);
    }

    private static float[] Values(string name, out Shape shape)
    {
        float[] file = File.Value.ReadF32(name);
        shape = File.Value.Weights[name].Shape;
        if (shape.Rank != 4) return file;
        var (n, c, h, w) = (shape[0], shape[1], shape[2], shape[3]);
        var values = new float[file.Length];
        for (int i = 0; i < file.Length; i++)
        {
            int x = i % w, y = i / w % h, channel = i / w / h % c, sample = i / w / h / c;
            values[(((((sample * h) + y) * w) + x) * c) + channel] = file[i];
        }
        shape = [n, h, w, c];
        return values;
    }
}
