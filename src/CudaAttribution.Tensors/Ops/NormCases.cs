namespace CudaAttribution.Tensors.Ops;

public static partial class Norm
{
    /// <summary>The checked instances of the family.</summary>
    public static IEnumerable<OpCase> Cases => [.. GroupNormCases, .. LayerNormCases, .. UnitNormCases];

    private static IEnumerable<OpCase> GroupNormCases
    {
        get
        {
            foreach (bool silu in (bool[])[false, true])
            {
                yield return Case([2, 5, 7, 12], 3, 1e-5f, silu);
                yield return Case([3, 6], 2, 1e-5f, silu); // one position
                yield return Case([2, 1, 1, 12], 3, 1e-6f, silu);
                yield return Case([1, 9, 40], 4, 1e-6f, silu);
                yield return Case([1, 2, 70], 2, 1e-5f, silu); // a slab of one group that is no multiple of any vector
                yield return Case([2, 33, 8], 1, 1e-5f, silu); // more rows than row lanes
                yield return Case([1, 3, 130], 1, 1e-5f, silu); // a slab wider than the columns summed at a time
                yield return Case([1, 3, 36], 36, 1e-5f, silu); // more groups than a slab holds
                yield return Case([2, 4, 4, 8], 2, 1e-5f, silu, mean: 100f);
                yield return Case([2, 3, 3, 8], 2, 2f, silu); // eps of the size of the variance
                yield return Case([32, 16, 16, 64], 8, 1e-5f, silu) with { BenchOnly = true };
                yield return Case([32, 8, 8, 128], 8, 1e-5f, silu) with { BenchOnly = true };
                yield return Case([2, 64, 64, 320], 32, 1e-5f, silu) with { BenchOnly = true };
            }

            static OpCase Case(int[] dims, int groups, float eps, bool silu, float mean = 0f)
            {
                var shape = new Shape(dims);
                int c = dims[^1];
                int otherGroups = groups == 1 ? c : 1;
                return new OpCase(
                    silu ? "norm/group_norm_silu" : "norm/group_norm",
                    $"{shape} groups {groups} eps {eps} mean {mean}",
                    [
                        new OpInput("x", shape, OpFill.Normal(mean, 2f), Batched: true),
                        new OpInput("w", [c], OpFill.Normal(1f, 0.5f)),
                        new OpInput("b", [c], OpFill.Normal()),
                    ],
                    (tape, x) => tape.GroupNorm(x[0], x[1], x[2], groups, eps, silu),
                    x => ReferenceGroupNorm(x, dims[0], c, groups, eps, silu))
                {
                    Bytes = 8.0 * shape.Count,
                    BatchInvariant = true,
                    Mutants =
                    [
                        ("eps", (tape, x) => tape.GroupNorm(x[0], x[1], x[2], groups, eps + 0.5f, silu)),
                        ("groups", (tape, x) => tape.GroupNorm(x[0], x[1], x[2], otherGroups, eps, silu)),
                        ("silu", (tape, x) => tape.GroupNorm(x[0], x[1], x[2], groups, eps, !silu)),
                    ],
                };
            }
        }
    }

    private static IEnumerable<OpCase> LayerNormCases
    {
        get
        {
            return
            [
                Case([7]), Case([3, 5, 7]), Case([2, 35, 4]), Case([3, 33]), Case([1, 2, 130]), Case([2, 70, 5]),
                Case([4, 64], mean: 100f), Case([3, 20], eps: 2f),
                Case([32, 64, 128]) with { BenchOnly = true }, Case([2, 4096, 320]) with { BenchOnly = true },
            ];

            static OpCase Case(int[] dims, float mean = 0f, float eps = 1e-5f)
            {
                var shape = new Shape(dims);
                int c = dims[^1];
                return new OpCase(
                    "norm/layer_norm",
                    $"{shape} eps {eps} mean {mean}",
                    [
                        new OpInput("x", shape, OpFill.Normal(mean, 2f), Batched: dims.Length > 1),
                        new OpInput("w", [c], OpFill.Normal(1f, 0.5f)),
                        new OpInput("b", [c], OpFill.Normal()),
                    ],
                    (tape, x) => tape.LayerNorm(x[0], x[1], x[2], eps),
                    x => ReferenceLayerNorm(x, c, eps))
                {
                    Bytes = 8.0 * shape.Count,
                    BatchInvariant = dims.Length > 1,
                    Mutants = [("eps", (tape, x) => tape.LayerNorm(x[0], x[1], x[2], eps + 0.5f))],
                };
            }
        }
    }

    private static IEnumerable<OpCase> UnitNormCases
    {
        get
        {
            return
            [
                Case(1e-12f, 1, 1), Case(1e-12f, 5, 7), Case(1e-12f, 40, 128), Case(1e-12f, 2, 3, 5), Case(1e-12f, 2, 4099),
                Case(100f, 3, 6), // every row shorter than eps
                Case(1e-12f, 256, 512) with { BenchOnly = true },
            ];

            static OpCase Case(float eps, params int[] dims)
            {
                var shape = new Shape(dims);
                int c = dims[^1];
                return new OpCase(
                    "norm/unit",
                    $"{shape} eps {eps}",
                    [new OpInput("x", shape, OpFill.Normal(0.5f, 2f), Batched: true)],
                    (tape, x) => tape.UnitNorm(x[0], eps),
                    x => [.. x[0].Chunk(c).SelectMany(row =>
                    {
                        double length = Math.Max(Math.Sqrt(row.Sum(v => v * v)), eps);
                        return row.Select(v => v / length);
                    })])
                {
                    Bytes = 8.0 * shape.Count,
                    BatchInvariant = true,
                    Mutants = [("eps", (tape, x) => tape.UnitNorm(x[0], 1000f))],
                };
            }
        }
    }
}
