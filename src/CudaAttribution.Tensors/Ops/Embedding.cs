using System.Runtime.InteropServices;
using CudaAttribution.Driver;

namespace CudaAttribution.Tensors.Ops;

/// <summary>Table look-up; kernels in <c>embedding.cu</c>.</summary>
public static class EmbeddingTable
{
    /// <summary>y[...,:] = table[ids[...],:].</summary>
    /// <remarks>
    /// A kernel cannot refuse an id: one outside 0 .. V−1 gives a row of NaN and no gradient, and nothing outside the table is touched. Ids that
    /// come from the host are checked by <see cref="Ids"/>. The gradient adds the tokens of a table row in ascending order.
    /// </remarks>
    /// <param name="tape">Where it is recorded.</param>
    /// <param name="ids">I32 <c>[N,L]</c>, or any shape.</param>
    /// <param name="table"><c>[V,C]</c>.</param>
    /// <returns><c>[N,L,C]</c>.</returns>
    /// <exception cref="ArgumentException">A type, a shape or the device of an argument does not fit.</exception>
    public static Tensor Embedding(this Tape tape, Tensor ids, Tensor table)
    {
        const string Op = "embedding";
        OpCheck.Argument(tape.Device, Op, ids, DType.I32);
        OpCheck.Argument(tape.Device, Op, table);
        OpCheck.That(table.Shape.Rank == 2, Op, table, "[V,C]");
        int tokens = OpCheck.Int(Op, ids.Count, "the number of ids"), vocabulary = table.Shape[0], c = table.Shape[1], rows = Tiles.RowsPerBlock(c);
        var y = tape.New([.. ids.Shape.AsSpan(), c]);
        tape.Device.Launch("embedding_fwd_f32", Tiles.Rows(tokens, rows), new EmbeddingParams
        {
            Ids = ids.Pointer, Table = table.Pointer, Y = y.Pointer, Tokens = tokens, Vocabulary = vocabulary, C = c, RowsPerBlock = rows,
        });
        return tape.Record(y, [table], dy =>
        {
            var (dtable, accumulate) = tape.GradOf(table);
            if (!accumulate) dtable.Zero();
            tape.Device.Launch("embedding_bwd_f32", new Grid(tokens, (c + KernelConstants.EMBEDDING_COLS - 1) / KernelConstants.EMBEDDING_COLS), new EmbeddingGradParams
            {
                Ids = ids.Pointer, Dy = dy.Pointer, DTable = dtable.Pointer, Tokens = tokens, Vocabulary = vocabulary, C = c,
            });
        });
    }

    /// <summary>Uploads ids, each checked to be a row of the table.</summary>
    /// <param name="arena">Where the tensor lives.</param>
    /// <param name="ids">The ids.</param>
    /// <param name="shape"><c>[N,L]</c>, of as many elements.</param>
    /// <param name="vocabulary">V: rows of the table.</param>
    /// <exception cref="ArgumentException">An id lies outside 0 .. V−1; the message says which and where.</exception>
    public static Tensor Ids(Arena arena, int[] ids, Shape shape, int vocabulary)
    {
        RequireRows(ids, vocabulary);
        return arena.From(ids, shape);
    }

    /// <summary>Checks that ids are rows of the table, for ids that are uploaded in another way.</summary>
    /// <exception cref="ArgumentException">An id lies outside 0 .. V−1; the message says which and where.</exception>
    public static void RequireRows(ReadOnlySpan<int> ids, int vocabulary)
    {
        for (int i = 0; i < ids.Length; i++)
        {
            if ((uint)ids[i] >= (uint)vocabulary)
            {
                throw new ArgumentException($"id {ids[i]} at position {i} is outside the table of {vocabulary} rows", nameof(ids));
            }
        }
    }

    /// <summary>The checked instances of the family.</summary>
    public static IEnumerable<OpCase> Cases =>
    [
        Case([2, 5], 7, 3), Case([3, 4], 2, 300), Case([1, 1], 1, 1), Case([2, 40], 11, 64), Case([32, 16], 2000, 128) with { BenchOnly = true },
        Case([2, 77], 49408, 768) with { BenchOnly = true },
    ];

    private static OpCase Case(int[] ids, int vocabulary, int c)
    {
        var y = new Shape([.. ids, c]);
        return new OpCase(
            "embedding/embedding",
            $"{new Shape(ids)} of {vocabulary} x {c}",
            [new OpInput("ids", ids, OpFill.Index(vocabulary), Grad: false, Batched: true), new OpInput("table", [vocabulary, c], OpFill.Normal())],
            (tape, x) => tape.Embedding(x[0], x[1]),
            x =>
            {
                var result = new double[y.Count];
                for (int i = 0; i < result.Length; i++) result[i] = x[1][(int)x[0][i / c] * c + i % c];
                return result;
            })
        {
            Bytes = 8.0 * y.Count + 4.0 * y.Count / c, BatchInvariant = true, Exact = true,
        };
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct EmbeddingParams
    {
        public nint Ids, Table, Y;
        public int Tokens, Vocabulary, C, RowsPerBlock;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct EmbeddingGradParams
    {
        public nint Ids, Dy, DTable;
        public int Tokens, Vocabulary, C;
    }
}
