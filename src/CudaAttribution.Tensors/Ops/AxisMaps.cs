using System.Runtime.InteropServices;

namespace CudaAttribution.Tensors.Ops;

/// <summary>Linear maps along one axis that each sample has its own of, F32; kernel in <c>axis_map.cu</c>.</summary>
public static class AxisMaps
{
    /// <summary>
    /// y[n,...,o,...] = Σ_i m[n,o,i] x[n,...,i,...], by ascending i: a resize, a shift, a reflection along one axis; a factor for each sample on an axis
    /// of one.
    /// </summary>
    /// <param name="tape">Where it is recorded.</param>
    /// <param name="x"><c>[N,...]</c>, rank 2 or more, not empty.</param>
    /// <param name="axis">The axis that is mapped, 1 or above, with I elements.</param>
    /// <param name="maps"><c>[N,O,I]</c>; must not require a gradient.</param>
    /// <returns>The shape of <paramref name="x"/> with O elements along the axis.</returns>
    /// <exception cref="ArgumentException">A type, a shape or the device of an argument does not fit.</exception>
    public static Tensor MapAxis(this Tape tape, Tensor x, int axis, Tensor maps)
    {
        const string Op = "map_axis";
        OpCheck.Argument(tape.Device, Op, x);
        OpCheck.Argument(tape.Device, Op, maps);
        OpCheck.That(x.Shape.Rank >= 2 && x.Count > 0, Op, x, "[N,...], not empty");
        if (axis < 1 || axis >= x.Shape.Rank) throw new ArgumentException($"{Op}: axis is {axis}, it must be one of 1 to {x.Shape.Rank - 1}", nameof(axis));
        int samples = x.Shape[0], input = x.Shape[axis];
        OpCheck.That(
            maps.Shape.Rank == 3 && maps.Shape[0] == samples && maps.Shape[2] == input && maps.Count > 0, Op, maps, $"[{samples},O,{input}], not empty");
        OpCheck.That(!maps.RequiresGrad, Op, maps, "a constant: there is no gradient with respect to it, so clear its RequiresGrad");
        int output = maps.Shape[1];
        int[] dims = x.Shape.ToArray();
        int groups = 1, inner = 1;
        for (int i = 1; i < axis; i++) groups = checked(groups * dims[i]);
        for (int i = axis + 1; i < dims.Length; i++) inner = checked(inner * dims[i]);
        dims[axis] = output;
        var y = tape.New(dims);
        int rows = Tiles.RowsPerBlock(inner);
        var forward = new MapParams
        {
            X = x.Pointer, M = maps.Pointer, Y = y.Pointer, Rows = y.Count / inner, In = input, Out = output, R = inner, GroupsPerMatrix = groups,
            RowsPerBlock = rows,
        };
        tape.Device.Launch("axis_map_f32", Tiles.Rows(forward.Rows, rows), forward);
        return tape.Record(y, [x], dy =>
        {
            var (dx, accumulate) = tape.GradOf(x);
            var backward = forward with
            {
                X = dy.Pointer,
                Y = dx.Pointer,
                Rows = x.Count / inner,
                In = output,
                Out = input,
                Transposed = 1,
                Accumulate = accumulate ? 1 : 0,
            };
            tape.Device.Launch("axis_map_f32", Tiles.Rows(backward.Rows, rows), backward);
        });
    }

    /// <summary>The checked instances.</summary>
    public static IEnumerable<OpCase> Cases =>
    [
        Case([2, 3], 1, 5), Case([2, 5, 4, 3], 1, 7), Case([3, 4, 6, 5], 2, 2), Case([3, 1, 77], 1, 1), Case([2, 7, 4099], 1, 3),
        Case([32, 32, 32, 3], 1, 32) with { BenchOnly = true }, Case([32, 32, 32, 3], 2, 32) with { BenchOnly = true },
    ];

    private static OpCase Case(int[] dims, int axis, int output)
    {
        var shape = new Shape(dims);
        int samples = dims[0], input = dims[axis], inner = dims[(axis + 1)..].Aggregate(1, (a, b) => a * b), groups = (int)(shape.Count / input / inner);
        return new OpCase(
            "axis_map/map_axis",
            $"{shape} axis {axis} to {output}",
            [
                new OpInput("x", shape, OpFill.Normal(), Batched: true),
                new OpInput("maps", new Shape(samples, output, input), OpFill.Normal(), Grad: false, Batched: true),
            ],
            (tape, x) => tape.MapAxis(x[0], axis, x[1]),
            x =>
            {
                var y = new double[groups * output * inner];
                for (int i = 0; i < y.Length; i++)
                {
                    int group = i / inner / output, o = i / inner % output, sample = group / (groups / samples);
                    for (int k = 0; k < input; k++)
                        y[i] += x[1][(sample * output + o) * input + k] * x[0][(group * input + k) * inner + i % inner];
                }
                return y;
            })
        {
            Flops = 2.0 * shape.Count * output,
            Bytes = 4.0 * shape.Count * (1 + (double)output / input),
            BatchInvariant = true,
        };
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct MapParams
    {
        public nint X, M, Y;
        public long Rows;
        public int In, Out, R, GroupsPerMatrix, Transposed, RowsPerBlock, Accumulate;
    }
}
