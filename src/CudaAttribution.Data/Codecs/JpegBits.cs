namespace CudaAttribution.Data.Codecs;

/// <summary>The bits between two markers, from the highest of the first byte on; in the bytes 0xff is followed by a zero that does not count.</summary>
internal ref struct JpegBits(ReadOnlySpan<byte> coded)
{
    private readonly ReadOnlySpan<byte> _coded = coded;
    private int _at;
    private ulong _bits;
    private int _count;

    /// <summary>The next 16 bits, with zeros behind the last.</summary>
    public int Peek16()
    {
        if (_count < 16) Fill();
        return (int)(_count >= 16 ? _bits >> (_count - 16) : _bits << (16 - _count)) & 0xffff;
    }

    /// <exception cref="ImageDecodeException">There are no more bits.</exception>
    public int Read(int bits)
    {
        if (bits == 0) return 0;
        int value = Peek16() >> (16 - bits);
        Skip(bits);
        return value;
    }

    /// <param name="bits">At most 64.</param>
    /// <exception cref="ImageDecodeException">There are no more bits.</exception>
    public void Skip(int bits)
    {
        for (; bits > 16; bits -= 16) Skip(16);
        if (_count < bits) Fill();
        if (_count < bits) throw FileProblem.Damaged("JPEG: the coded data end too early");
        _count -= bits;
    }

    /// <summary>What is left of the last byte is filling.</summary>
    /// <exception cref="ImageDecodeException">More is left.</exception>
    public readonly void End()
    {
        if (_at < _coded.Length || _count >= 8) throw FileProblem.Damaged("JPEG: the coded data go on behind the end of the picture");
    }

    private void Fill()
    {
        while (_count <= 48 && _at < _coded.Length)
        {
            byte next = _coded[_at];
            _at += next == 0xff ? 2 : 1;
            _bits = _bits << 8 | next;
            _count += 8;
        }
    }
}

/// <summary>A Huffman code (DHT), for which codes of one length are consecutive numbers.</summary>
internal sealed class JpegCode
{
    private const int Longest = 16;

    // The first code of each length and the first that is too large for it, both shifted to 16 bits, and the index of its first symbol.
    private readonly int[] _first = new int[Longest + 1], _end = new int[Longest + 1], _index = new int[Longest + 1];
    private readonly byte[] _symbols;

    /// <param name="counts">How many codes have 1, 2, … 16 bits.</param>
    /// <param name="symbols">Their symbols.</param>
    /// <exception cref="ImageDecodeException">There are more codes than bits allow.</exception>
    public JpegCode(ReadOnlySpan<byte> counts, ReadOnlySpan<byte> symbols)
    {
        _symbols = symbols.ToArray();
        int code = 0, index = 0;
        for (int length = 1; length <= Longest; length++)
        {
            int shift = Longest - length;
            (_first[length], _index[length]) = (code << shift, index);
            code += counts[length - 1];
            index += counts[length - 1];
            // No code has ones only.
            if (code >= 1 << length) throw FileProblem.Damaged("JPEG: a table of codes is wrong");
            _end[length] = code << shift;
            code <<= 1;
        }
    }

    /// <exception cref="ImageDecodeException">The bits are none of the codes, or they end.</exception>
    public byte Read(ref JpegBits bits)
    {
        int next = bits.Peek16();
        for (int length = 1; length <= Longest; length++)
        {
            if (next >= _end[length]) continue;
            bits.Skip(length);
            return _symbols[_index[length] + (next - _first[length] >> Longest - length)];
        }
        throw FileProblem.Damaged("JPEG: the coded data are wrong");
    }
}
