using System.Numerics;

namespace CudaAttribution.Data.Codecs;

/// <summary>
/// Reads the coded data of one scan from the first bit to the last, without making pixels (ITU-T T.81, F.2.2, G.1.2 and G.2): ImageSharp takes codes that
/// do not exist for others, and zeros for what is missing.
/// </summary>
internal sealed class JpegScan
{
    private const int Last = 63;

    private readonly JpegFrame frame;
    private readonly (int Channel, JpegCode? Dc, JpegCode? Ac)[] parts;
    private readonly ulong[]?[] known;
    private readonly int from, to;
    private readonly bool refines;
    private int run;

    /// <param name="frame">The picture's header.</param>
    /// <param name="parts">Channels in the order of the scan, with the codes named for them.</param>
    /// <param name="known">Of a progressive picture a mask for each block of each channel: the coefficients that are not zero so far.</param>
    /// <param name="from">First coefficient, in zigzag order.</param>
    /// <param name="to">Last coefficient.</param>
    /// <param name="refines">Whether earlier scans gave the higher bits.</param>
    public JpegScan(JpegFrame frame, (int Channel, JpegCode? Dc, JpegCode? Ac)[] parts, ulong[]?[] known, int from, int to, bool refines)
    {
        (this.frame, this.parts, this.known, this.from, this.to, this.refines) = (frame, parts, known, from, to, refines);
        bool needsDc = from == 0 && !refines, needsAc = to > 0;
        if (parts.Any(p => (needsDc && p.Dc is null) || (needsAc && p.Ac is null))) throw FileProblem.Damaged("JPEG: a table of codes is missing");
    }

    private bool Interleaved => parts.Length > 1;

    /// <summary>Coding units: the picture's where channels are interleaved, else blocks.</summary>
    public int Units
    {
        get
        {
            JpegChannel channel = frame.Channels[parts[0].Channel];
            return Interleaved ? frame.UnitColumns * frame.UnitRows : channel.Columns * channel.Rows;
        }
    }

    /// <summary>Blocks of all its channels.</summary>
    public long Blocks => Interleaved ? parts.Sum(p => frame.CodedBlocks(p.Channel)) : Units;

    /// <summary>Reads the units from <paramref name="first"/> to before <paramref name="end"/>, which are the data between two markers.</summary>
    /// <exception cref="ImageDecodeException">The data are wrong, too short or too long.</exception>
    public void Read(ReadOnlySpan<byte> coded, int first, int end)
    {
        var bits = new JpegBits(coded);
        run = 0;
        for (int unit = first; unit < end; unit++)
        {
            foreach (var (index, dc, ac) in parts)
            {
                JpegChannel channel = frame.Channels[index];
                int stride = frame.UnitColumns * channel.Across;
                if (!Interleaved)
                {
                    ReadBlock(ref bits, dc, ac, index, unit / channel.Columns * stride + unit % channel.Columns);
                    continue;
                }
                int row = unit / frame.UnitColumns * channel.Down, column = unit % frame.UnitColumns * channel.Across;
                for (int y = 0; y < channel.Down; y++)
                    for (int x = 0; x < channel.Across; x++) ReadBlock(ref bits, dc, ac, index, (row + y) * stride + column + x);
            }
        }
        if (run > 0) throw Wrong();
        bits.End();
    }

    private void ReadBlock(ref JpegBits bits, JpegCode? dc, JpegCode? ac, int channel, int block)
    {
        if (!frame.Progressive)
        {
            ReadDc(ref bits, dc!);
            ReadSequentialAc(ref bits, ac!);
        }
        else if (from == 0)
        {
            if (refines) bits.Skip(1);
            else ReadDc(ref bits, dc!);
        }
        else if (refines) Refine(ref bits, ac!, ref known[channel]![block]);
        else ReadFirstAc(ref bits, ac!, ref known[channel]![block]);
    }

    private static void ReadDc(ref JpegBits bits, JpegCode dc)
    {
        int size = dc.Read(ref bits);
        if (size > 15) throw Wrong();
        bits.Skip(size);
    }

    private static void ReadSequentialAc(ref JpegBits bits, JpegCode ac)
    {
        for (int k = 1; k <= Last; k++)
        {
            int symbol = ac.Read(ref bits), zeros = symbol >> 4, size = symbol & 15;
            if (size == 0 && zeros < 15) return;
            k += zeros;
            if (k > Last) throw Wrong();
            bits.Skip(size);
        }
    }

    private void ReadFirstAc(ref JpegBits bits, JpegCode ac, ref ulong mask)
    {
        if (run > 0)
        {
            run--;
            return;
        }
        for (int k = from; k <= to; k++)
        {
            int symbol = ac.Read(ref bits), zeros = symbol >> 4, size = symbol & 15;
            if (size == 0 && zeros < 15)
            {
                run = (1 << zeros) + bits.Read(zeros) - 1;
                return;
            }
            k += zeros;
            if (k > to) throw Wrong();
            if (size > 0) mask |= 1ul << k;
            bits.Skip(size);
        }
    }

    /// <summary>One more bit of each coefficient that is not zero so far, and the sign of those that become it now (T.81, G.1.2.3).</summary>
    private void Refine(ref JpegBits bits, JpegCode ac, ref ulong mask)
    {
        int k = from;
        while (run == 0 && k <= to)
        {
            int symbol = ac.Read(ref bits), zeros = symbol >> 4, size = symbol & 15;
            if (size > 1) throw Wrong();
            if (size == 0 && zeros < 15)
            {
                run = (1 << zeros) + bits.Read(zeros);
                break;
            }
            bits.Skip(size);
            for (; k <= to; k++)
            {
                if ((mask >> k & 1) != 0) bits.Skip(1);
                else if (zeros-- == 0) break;
            }
            if (k > to) throw Wrong();
            if (size > 0) mask |= 1ul << k;
            k++;
        }
        if (run == 0) return;
        bits.Skip(BitOperations.PopCount(mask & Bits(k, to)));
        run--;
    }

    private static ulong Bits(int from, int to) => from > to ? 0 : ulong.MaxValue >> (Last - to) & ulong.MaxValue << from;

    private static ImageDecodeException Wrong() => FileProblem.Damaged("JPEG: the coded data are wrong");
}
