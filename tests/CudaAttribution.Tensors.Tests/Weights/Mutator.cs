namespace CudaAttribution.Tensors.Tests.Weights;

/// <summary>Damages bytes at random, the same way for the same seed: bits, numbers, pieces moved, doubled, lost, and words of the format.</summary>
internal sealed class Mutator(int seed, params byte[][] words)
{
    private static readonly ulong[] Numbers =
        [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff, 0x8000000000000000, ulong.MaxValue];

    private readonly Random _random = new(seed);

    public int Next(int below) => _random.Next(below);

    /// <summary>One to four changes, mostly one: a file that is wrong in one place is read furthest.</summary>
    public byte[] Mutate(ReadOnlySpan<byte> original)
    {
        var bytes = new List<byte>(original.ToArray());
        for (int changes = 1 + _random.Next(2) * _random.Next(4); changes > 0; changes--) Change(bytes);
        return [.. bytes];
    }

    private void Change(List<byte> bytes)
    {
        int at = _random.Next(bytes.Count + 1), rest = bytes.Count - at;
        switch (_random.Next(8))
        {
            case 0 when rest > 0:
                bytes[at] ^= (byte)(1 << _random.Next(8));
                break;
            case 1 when rest > 0:
                bytes[at] = (byte)_random.Next(256);
                break;
            case 2:
                byte[] number = BitConverter.GetBytes(Numbers[_random.Next(Numbers.Length)])[..(1 << _random.Next(4))];
                for (int i = 0; i < Math.Min(number.Length, rest); i++) bytes[at + i] = number[i];
                break;
            case 3:
                bytes.RemoveRange(at, _random.Next(Math.Min(rest, 16) + 1));
                break;
            case 4:
                bytes.InsertRange(at, bytes.GetRange(at, _random.Next(Math.Min(rest, 64) + 1)));
                break;
            case 5:
                bytes.InsertRange(at, words[_random.Next(words.Length)]);
                break;
            case 6 when rest > 0 && _random.Next(4) == 0:
                bytes.RemoveRange(at, rest);
                break;
            default:
                int count = _random.Next(Math.Min(rest, 32) + 1);
                var piece = bytes.GetRange(at, count);
                bytes.RemoveRange(at, count);
                bytes.InsertRange(_random.Next(bytes.Count + 1), piece);
                break;
        }
    }
}
