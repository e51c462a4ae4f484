using System.Runtime.InteropServices;
using CudaAttribution.Driver;

namespace CudaAttribution.Tensors.Ops;

/// <summary>The loss of a copy-detection descriptor (Pizzi et al. 2022), F32; kernels in <c>loss.cu</c>.</summary>
public static class ContrastiveLoss
{
    /// <summary>Largest 1 / temperature whose exponentials stay normal numbers for similarities in [−1, 1].</summary>
    private const float Sharpest = 40;

    /// <summary>
    /// InfoNCE and a spread over the similarities of R views: the mean over the rows r of
    /// Σ_{c ∈ P(r)} −log(e_c / (e_c + Σ_{k ∈ Q(r)} e_k + 1e-6)) − spread · log √max(2 − 2 max_{k ∈ Q(r)} s_rk, 1e-6), with e_c = exp(s_rc / temperature),
    /// P(r) the other views of the same picture and Q(r) all views of other pictures.
    /// </summary>
    /// <param name="tape">Where it is recorded.</param>
    /// <param name="similarities"><c>[R,R]</c>, not empty; cosines, at most 1 but for rounding. The gradient is with respect to this.</param>
    /// <param name="groups">I32 <c>[R]</c>: which picture a view is of. A row without a view of another picture makes the loss infinite.</param>
    /// <param name="temperature">At least 1/40.</param>
    /// <param name="spread">Weight of the second term, zero or positive.</param>
    /// <returns><c>[1]</c>.</returns>
    /// <exception cref="ArgumentException">A type, a shape, the device or the range of an argument does not fit.</exception>
    public static Tensor Contrastive(this Tape tape, Tensor similarities, Tensor groups, float temperature, float spread)
    {
        const string Op = "contrastive";
        OpCheck.Argument(tape.Device, Op, similarities);
        OpCheck.That(
            similarities.Shape.Rank == 2 && similarities.Count > 0 && similarities.Shape[0] == similarities.Shape[1], Op, similarities, "[R,R], not empty");
        int rows = similarities.Shape[0];
        OpCheck.Argument(tape.Device, Op, groups, new Shape(rows), DType.I32);
        if (!(temperature >= 1 / Sharpest) || !float.IsFinite(temperature))
            throw new ArgumentException($"{Op}: temperature is {temperature}, it must be at least {1 / Sharpest} and finite", nameof(temperature));
        if (!(spread >= 0) || !float.IsFinite(spread))
            throw new ArgumentException($"{Op}: spread is {spread}, it must be zero or positive and finite", nameof(spread));
        var shape = new ContrastiveShape { Rows = rows, Temperature = temperature, Spread = spread };
        var part = tape.New([rows]);
        var rest = tape.New([rows]);
        var pull = tape.New([rows]);
        var nearest = tape.New([rows], DType.I32);
        var loss = tape.New([1]);
        tape.Device.Launch("contrastive_fwd_f32", new Grid(rows), new ForwardParams
        {
            S = similarities.Pointer, Groups = groups.Pointer, Part = part.Pointer, Rest = rest.Pointer, Pull = pull.Pointer, Nearest = nearest.Pointer,
            Shape = shape,
        });
        Loss.Mean(tape.Device, part.Pointer, rows, rows, loss.Pointer);
        part.Release();
        return tape.Record(loss, [similarities], dloss =>
        {
            var (ds, accumulate) = tape.GradOf(similarities);
            int perBlock = Tiles.RowsPerBlock(rows);
            tape.Device.Launch("contrastive_bwd_f32", Tiles.Rows(rows, perBlock), new BackwardParams
            {
                S = similarities.Pointer, Groups = groups.Pointer, Rest = rest.Pointer, Pull = pull.Pointer, Nearest = nearest.Pointer,
                Dloss = dloss.Pointer, Ds = ds.Pointer, Shape = shape, RowsPerBlock = perBlock, Accumulate = accumulate ? 1 : 0,
            });
            rest.Release();
            pull.Release();
            nearest.Release();
        });
    }

    /// <summary>The checked instances.</summary>
    public static IEnumerable<OpCase> Cases =>
    [
        Case(9, 3, 0.05f, 10f), Case(9, 3, 0.5f, 0f), Case(30, 15, 0.1f, 1f), Case(300, 150, 0.05f, 30f),
        Case(512, 256, 0.05f, 10f) with { BenchOnly = true },
    ];

    private static OpCase Case(int rows, int pictures, float temperature, float spread) => new(
        "loss/contrastive",
        $"[{rows},{rows}] of {pictures} pictures, temperature {temperature}, spread {spread}",
        [
            new OpInput("similarities", new Shape(rows, rows), OpFill.Normal(0f, 0.2f)),
            new OpInput("groups", new Shape(rows), OpFill.Index(pictures), Grad: false),
        ],
        (tape, x) => tape.Contrastive(x[0], x[1], temperature, spread),
        x => [Enumerable.Range(0, rows).Average(r => RowLoss(x[0].AsSpan(r * rows, rows), x[1], r, temperature, spread))])
    {
        Flops = 4.0 * rows * rows,
        Bytes = 4.0 * rows * rows,
        Mutants =
        [
            ("temperature", (tape, x) => tape.Contrastive(x[0], x[1], 2 * temperature, spread)),
            ("spread", (tape, x) => tape.Contrastive(x[0], x[1], temperature, spread + 1)),
        ],
    };

    private static double RowLoss(ReadOnlySpan<double> s, double[] groups, int row, double temperature, double spread)
    {
        double negatives = 1e-6, nearest = double.NegativeInfinity, loss = 0;
        for (int c = 0; c < s.Length; c++)
        {
            if (groups[c] == groups[row]) continue;
            negatives += Math.Exp(s[c] / temperature);
            nearest = Math.Max(nearest, s[c]);
        }
        for (int c = 0; c < s.Length; c++)
        {
            if (c == row || groups[c] != groups[row]) continue;
            double e = Math.Exp(s[c] / temperature);
            loss -= Math.Log(e / (e + negatives));
        }
        return loss - (spread * Math.Log(Math.Sqrt(Math.Max(2 - (2 * nearest), 1e-6))));
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct ContrastiveShape
    {
        public int Rows;
        public float Temperature, Spread;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct ForwardParams
    {
        public nint S, Groups, Part, Rest, Pull, Nearest;
        public ContrastiveShape Shape;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct BackwardParams
    {
        public nint S, Groups, Rest, Pull, Nearest, Dloss, Ds;
        public ContrastiveShape Shape;
        public int RowsPerBlock, Accumulate;
    }
}
