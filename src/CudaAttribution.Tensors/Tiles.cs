using CudaAttribution.Driver;

namespace CudaAttribution.Tensors;

/// <summary>How work without a reduction is cut into blocks; the counterpart of <c>kernels/tile.cuh</c>.</summary>
internal static class Tiles
{
    /// <summary>Blocks of a flat loop over <paramref name="count"/> elements.</summary>
    public static Grid Flat(long count, int y = 1) => new(checked((int)((count + KernelConstants.CHUNK - 1) / KernelConstants.CHUNK)), y);

    /// <summary>Rows of <paramref name="cols"/> elements that one block takes: about a chunk, at least one.</summary>
    public static int RowsPerBlock(long cols) => (int)long.Clamp(KernelConstants.CHUNK / long.Max(1, cols), 1, KernelConstants.CHUNK);

    /// <summary>Blocks of a loop over rows.</summary>
    public static Grid Rows(long rows, int rowsPerBlock, int y = 1) => new(checked((int)((rows + rowsPerBlock - 1) / rowsPerBlock)), y);
}
