using CudaAttribution.Images;
using CudaAttribution.Models.Watermark;
using CudaAttribution.Statistics;

namespace CudaAttribution.Watermark;

/// <summary>
/// The file <c>reading.json</c>: what a decoder read from pictures, and how far it is the owner's message. Baseline 1 of Zhang et al. (2024).
/// </summary>
/// <param name="Schema"><see cref="CurrentSchema"/>.</param>
/// <param name="Model">SHA-256 of the watermark's weights.</param>
/// <param name="Message">The owner's 32 bits, 8 hexadecimal digits.</param>
/// <param name="Pictures">N, how many pictures were read.</param>
/// <param name="Threshold">Matching bits that make a picture marked.</param>
/// <param name="ChanceOfMarked">P(Binomial(32, ½) ≥ threshold): how often a picture whose bits are fair coins would count as marked.</param>
/// <param name="Marked">How many pictures are marked.</param>
/// <param name="ConfB1">Their share.</param>
/// <param name="Interval">Clopper and Pearson's 95 % interval of it.</param>
/// <param name="BitAccuracy">Share of all 32 N bits that match.</param>
/// <param name="KeyP">Exact p of the message among all messages, <see cref="KeyRank"/>: needs a message that was drawn uniformly.</param>
/// <param name="KeyLog10P">Its decimal logarithm.</param>
/// <param name="BinomialP">Model-based: P(Binomial(32 N, ½) ≥ matches), as if all bits were independent fair coins.</param>
/// <param name="BinomialLog10P">Its decimal logarithm, also where the number itself is below what a double holds.</param>
/// <param name="Ones">Share of the pictures that a 1 was read from, by place of the bit: far from ½ on pictures without a mark, the decoder leans.</param>
/// <param name="Readings">The pictures.</param>
public sealed record WatermarkReading(
    string Schema, string Model, string Message, int Pictures, int Threshold, double ChanceOfMarked, int Marked, double ConfB1, ShareInterval Interval,
    double BitAccuracy, double KeyP, double KeyLog10P, double BinomialP, double BinomialLog10P, IReadOnlyList<double> Ones,
    IReadOnlyList<PictureReading> Readings)
{
    public const string FileName = "reading.json";
    public const string CurrentSchema = "cudattr-watermark-reading-1";

    /// <summary>Matching bits of 32 that make a picture marked: 1.05e-3 of pictures with fair bits have as many.</summary>
    public const int DefaultThreshold = 25;

    /// <summary>Reads pictures, each resized to the watermark's size first.</summary>
    /// <param name="model">The watermark.</param>
    /// <param name="message">The owner's.</param>
    /// <param name="pictures">What is judged, with ids.</param>
    /// <param name="threshold">0 to 32.</param>
    /// <param name="progress">Told how many pictures were read.</param>
    /// <exception cref="Runs.UserException">A picture cannot be read any more.</exception>
    public static WatermarkReading Of(
        WatermarkModel model, WatermarkMessage message, IReadOnlyList<(string Id, IPicture Picture)> pictures, int threshold = DefaultThreshold, Action<int>? progress = null)
    {
        int size = model.Config.Size;
        var read = new List<WatermarkMessage>(pictures.Count);
        foreach (var one in model.Read(pictures.Select(p => p.Picture).ReadAhead().Select(p => p.ToSquare(size, ResizeMode.CropCentre))))
        {
            read.Add(one);
            progress?.Invoke(read.Count);
        }
        return Of(model.WeightsHash(), message, [.. pictures.Select(p => p.Id)], read, threshold);
    }

    /// <summary>Judges what was read.</summary>
    /// <param name="model">SHA-256 of the watermark's weights.</param>
    /// <param name="message">The owner's.</param>
    /// <param name="ids">The pictures' ids.</param>
    /// <param name="read">What was read from each, as many, at least one.</param>
    /// <param name="threshold">0 to 32.</param>
    public static WatermarkReading Of(
        string model, WatermarkMessage message, IReadOnlyList<string> ids, IReadOnlyList<WatermarkMessage> read, int threshold = DefaultThreshold)
    {
        const int Bits = WatermarkConfig.Bits;
        if (read.Count == 0 || read.Count != ids.Count) throw new ArgumentException($"{read.Count} readings for {ids.Count} pictures", nameof(read));
        ArgumentOutOfRangeException.ThrowIfNegative(threshold);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(threshold, Bits);
        PictureReading[] rows = [.. read.Select((m, i) => new PictureReading(ids[i], m.ToString(), m.Matches(message), m.Matches(message) >= threshold))];
        int n = rows.Length, marked = rows.Count(r => r.Marked), matches = rows.Sum(r => r.Matches);
        var (key, binomial) = (KeyRank.Of(message, read), FairCoins.Tail(matches, checked(Bits * n)));
        double[] ones = [.. Enumerable.Range(0, Bits).Select(place => read.Average(m => m.Value >> (Bits - 1 - place) & 1))];
        return new WatermarkReading(
            CurrentSchema, model, message.ToString(), n, threshold, FairCoins.Tail(threshold, Bits).Value, marked, (double)marked / n,
            ShareInterval.ClopperPearson(marked, n), (double)matches / (Bits * n), key.Value, key.Log10, binomial.Value, binomial.Log10, ones, rows);
    }
}
