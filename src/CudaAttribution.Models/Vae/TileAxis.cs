namespace CudaAttribution.Models.Vae;

/// <summary>
/// Tiles along one axis, in latents: equal tiles, evenly spread, neighbours sharing at least a quarter. In the middle of what two neighbours share,
/// the weight goes over from one to the other on a straight line as long as that quarter, so that the outermost rows of a tile, which saw the least,
/// count least.
/// </summary>
internal sealed class TileAxis
{
    private readonly int[] _starts;
    private readonly int _tile, _shared;

    /// <param name="length">Latents along the axis.</param>
    /// <param name="tile">Latents of a tile, at least 4.</param>
    public TileAxis(int length, int tile)
    {
        (_tile, _shared) = (int.Min(tile, length), (tile + 3) / 4);
        int stride = tile - _shared, count = length <= tile ? 1 : (length - tile + stride - 1) / stride + 1;
        _starts = [.. Enumerable.Range(0, count).Select(i => count == 1 ? 0 : (int)((long)i * (length - tile) / (count - 1)))];
    }

    /// <summary>Number of tiles.</summary>
    public int Count => _starts.Length;

    /// <summary>Latents of each tile.</summary>
    public int Tile => _tile;

    /// <summary>First latent of tile <paramref name="i"/>.</summary>
    public int Start(int i) => _starts[i];

    /// <summary>
    /// Weights of a tile's elements, each latent being <paramref name="scale"/> of them; those of all tiles add up to one everywhere.
    /// </summary>
    public float[] Weights(int i, int scale)
    {
        int first = scale * Start(i);
        return [.. Enumerable.Range(first, scale * Tile).Select(at => (float)(Passed(i - 1, at, scale) - Passed(i, at, scale)))];
    }

    /// <summary>Which share of the way from tile i to tile i + 1 lies behind element <paramref name="at"/>.</summary>
    private double Passed(int i, int at, int scale)
    {
        if (i < 0) return 1;
        if (i + 1 == Count) return 0;
        int slack = Start(i) + _tile - Start(i + 1) - _shared;
        double begin = scale * (Start(i + 1) + slack / 2.0);
        return double.Clamp((at + 0.5 - begin) / (scale * _shared), 0, 1);
    }
}
