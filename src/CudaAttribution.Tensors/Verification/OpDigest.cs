using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace CudaAttribution.Tensors.Verification;

/// <summary>
/// The bits that a case leaves on a device, as a hash over the output and every gradient: equal on two devices where, and only where, all elements are.
/// The cases of the benchmark are run on inputs of the device's own generator, the others on those of the audit.
/// </summary>
/// <param name="Sha256">Hash of the shape, the output and the gradients.</param>
/// <param name="NonFinite">Elements that are NaN or infinite: more than none is a failure, also where two devices agree.</param>
public sealed record OpDigest(string Sha256, long NonFinite)
{
    /// <summary>Runs a case. Open the device with guard bands for memory that begins as NaN.</summary>
    public static OpDigest Of(ComputeDevice device, OpCase op)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        long nonFinite = 0;
        foreach (var (_, bytes, type) in Arrays(device, op))
        {
            hash.AppendData(BitConverter.GetBytes(bytes.LongLength));
            hash.AppendData(bytes);
            if (type == DType.F32) nonFinite += NonFiniteOf(MemoryMarshal.Cast<byte, float>(bytes));
        }
        return new OpDigest(Convert.ToHexStringLower(hash.GetHashAndReset()), nonFinite);
    }

    /// <summary>Where the bits of two devices differ first, and in how many elements; empty where they do not.</summary>
    public static string Difference(ComputeDevice device, ComputeDevice other, OpCase op)
    {
        foreach (var (mine, theirs) in Arrays(device, op).Zip(Arrays(other, op)))
        {
            int size = mine.Type.Size(), count = mine.Bytes.Length / size, differing = 0, first = -1;
            for (int i = 0; i < count; i++)
            {
                if (mine.Bytes.AsSpan(i * size, size).SequenceEqual(theirs.Bytes.AsSpan(i * size, size))) continue;
                differing++;
                if (first < 0) first = i;
            }
            if (differing == 0) continue;
            string values = mine.Type == DType.F32
                ? FormattableString.Invariant($"{BitConverter.ToSingle(mine.Bytes, first * size):g9} for {BitConverter.ToSingle(theirs.Bytes, first * size):g9}")
                : $"0x{Convert.ToHexStringLower(mine.Bytes.AsSpan(first * size, size))} for 0x{Convert.ToHexStringLower(theirs.Bytes.AsSpan(first * size, size))}";
            return $"{mine.Name}: {differing} of {count} elements differ from {other.Driver.Info.Id}, element {first} is {values}";
        }
        return "";
    }

    /// <summary>Output and gradients of a run, as bytes.</summary>
    internal static IEnumerable<(string Name, byte[] Bytes, DType Type)> Arrays(ComputeDevice device, OpCase op)
    {
        using var held = new Arena(device);
        using var tape = new Tape(device, record: op.Differentiable);
        Tensor[] inputs = op.BenchOnly
            ? OpInputs.Draw(held, op, set: 0)
            : [.. op.Inputs.Select((input, i) => OpInputs.Upload(held, input, OpInputs.Values(op, i), null))];
        for (int i = 0; i < inputs.Length; i++) inputs[i].RequiresGrad = op.Differentiable && op.Inputs[i].Grad && inputs[i].Type == DType.F32;
        var y = op.Run(tape, inputs);
        yield return ("output", y.ToArray<byte>(), y.Type);
        if (!op.Differentiable) yield break;
        var seed = held.New(y.Shape);
        Ops.RandomNumbers.Normal(seed, seed: 25, Philox.Stream(op.ToString()));
        tape.Backward(y, seed);
        for (int i = 0; i < inputs.Length; i++)
        {
            if (inputs[i].Grad is { } gradient) yield return ($"d{op.Inputs[i].Name}", gradient.ToArray<byte>(), gradient.Type);
        }
    }

    private static long NonFiniteOf(ReadOnlySpan<float> values)
    {
        long count = 0;
        foreach (float value in values) count += float.IsFinite(value) ? 0 : 1;
        return count;
    }
}
