using System.Numerics;
using CudaAttribution.Models.Watermark;
using CudaAttribution.Statistics;

namespace CudaAttribution.Watermark;

/// <summary>
/// The owner's message among all 2³² that could have been the owner's: how many match what was read in at least as many bits, all pictures together.
/// Exact where the message was drawn uniformly and what is judged does not depend on it: whatever the decoder's leanings, and however the bits of one
/// picture or of several depend on each other, each message is then equally likely to have been the drawn one. Not below 2⁻³².
/// </summary>
public static class KeyRank
{
    private const int Bits = WatermarkConfig.Bits;

    /// <summary>Share of all messages whose total of matches is that of <paramref name="message"/> or more.</summary>
    /// <param name="message">The owner's.</param>
    /// <param name="read">What was read from each picture, at least one.</param>
    public static TailProbability Of(WatermarkMessage message, IReadOnlyList<WatermarkMessage> read)
    {
        if (read.Count == 0) throw new ArgumentException("nothing was read", nameof(read));
        // At each place of the bits, how many pictures a 1 there would match; a 0 matches the others. Totals of all messages by convolution.
        int[] ones = [.. Enumerable.Range(0, Bits).Select(place => read.Count(m => IsOne(m, place)))];
        var cases = new long[checked(Bits * read.Count) + 1];
        cases[0] = 1;
        int total = 0;
        for (int place = 0; place < Bits; place++)
        {
            int zeros = read.Count - ones[place];
            total += IsOne(message, place) ? ones[place] : zeros;
            var next = new long[cases.Length];
            for (int sum = 0; sum <= place * read.Count; sum++)
            {
                next[sum + ones[place]] += cases[sum];
                next[sum + zeros] += cases[sum];
            }
            cases = next;
        }
        return TailProbability.Of(new BigInteger(cases.Skip(total).Sum()), BigInteger.One << Bits);
    }

    private static bool IsOne(WatermarkMessage message, int place) => (message.Value >> (Bits - 1 - place) & 1) == 1;
}
