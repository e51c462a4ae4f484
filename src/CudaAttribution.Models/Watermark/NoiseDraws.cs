using CudaAttribution.Images;
using CudaAttribution.Tensors;

namespace CudaAttribution.Models.Watermark;

/// <summary>What a step of watermark training draws: messages, sides, qualities, shifts; each a function of (seed, step, place in the batch).</summary>
/// <param name="seed">Seed of the run.</param>
/// <param name="batchSize">Pictures of a step.</param>
/// <param name="size">Side of the pictures.</param>
/// <param name="objective">Bounds.</param>
internal sealed class NoiseDraws(ulong seed, int batchSize, int size, WatermarkObjective objective)
{
    private static readonly ulong ResizeStream = Philox.Stream("watermark.resize"), JpegStream = Philox.Stream("watermark.jpeg"),
        ShiftStream = Philox.Stream("watermark.shift"), MessageStream = Philox.Stream("watermark.train.message");

    /// <summary>The message of a place, uniform.</summary>
    public WatermarkMessage Message(int step, int place) => new(Philox.Word(Index(step, place), MessageStream, seed));

    /// <summary>Steps of JPEG of a uniform quality.</summary>
    public void Jpeg(int step, int place, Span<float> luma, Span<float> chroma) => JpegCoder.Steps(
        objective.LowestQuality + Uniform(step, place, JpegStream, objective.HighestQuality - objective.LowestQuality + 1), luma, chroma);

    /// <summary>A resize to a uniform smaller side and back.</summary>
    /// <param name="step">Number of the step.</param>
    /// <param name="place">Place in the batch.</param>
    /// <param name="rows">Gets the map of the rows, <c>[size,size]</c>.</param>
    /// <param name="columns">Gets that of the columns.</param>
    public void Resize(int step, int place, Span<float> rows, Span<float> columns)
    {
        int smallest = int.Max(1, (int)double.Ceiling(objective.SmallestResize * size));
        int side = smallest + Uniform(step, place, ResizeStream, size - smallest + 1);
        double[] down = AxisMatrix.Of(size, side), up = AxisMatrix.Of(side, size);
        for (int i = 0; i < rows.Length; i++)
        {
            double sum = 0;
            for (int k = 0; k < side; k++) sum += up[(i / size * side) + k] * down[(k * size) + (i % size)];
            rows[i] = columns[i] = (float)sum;
        }
    }

    /// <summary>A move of up to the largest shift along each axis, mirrored or not.</summary>
    /// <inheritdoc cref="Resize"/>
    public void Move(int step, int place, Span<float> rows, Span<float> columns)
    {
        int most = (int)(objective.LargestShift * size);
        int draw = Uniform(step, place, ShiftStream, 2 * ((2 * most) + 1) * ((2 * most) + 1));
        bool mirrored = draw % 2 == 1;
        Move(rows, (draw / 2 % ((2 * most) + 1)) - most, mirrored: false);
        Move(columns, (draw / 2 / ((2 * most) + 1)) - most, mirrored);
    }

    private void Move(Span<float> map, int shift, bool mirrored)
    {
        map.Clear();
        for (int i = 0; i < size; i++)
        {
            int from = int.Clamp(i + shift, 0, size - 1);
            map[(i * size) + (mirrored ? size - 1 - from : from)] = 1;
        }
    }

    /// <summary>Uniform over 0..bound−1: the high half of a 32x32 product, whose bias of bound/2³² is far below what a run can see.</summary>
    private int Uniform(int step, int place, ulong stream, int bound) =>
        (int)(((ulong)Philox.Word(Index(step, place), stream, seed) * (ulong)bound) >> 32);

    private ulong Index(int step, int place) => ((ulong)step * (ulong)batchSize) + (ulong)place;
}
