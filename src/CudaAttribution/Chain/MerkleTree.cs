using System.Security.Cryptography;

namespace CudaAttribution.Chain;

/// <summary>
/// One hash for a list, by which each entry can be shown to be in it without showing the others: the tree of RFC 6962 §2.1 over SHA-256. A leaf is
/// SHA-256(0x00 ‖ entry), a node SHA-256(0x01 ‖ left ‖ right); of a list of n > 1 the left part holds the largest power of two below n. Hashes are 64
/// hex digits.
/// </summary>
public sealed class MerkleTree
{
    private const byte Leaf = 0, Node = 1;

    // From the leaves up. A node without a neighbour goes up as it is, which gives the RFC's trees.
    private readonly List<byte[][]> _levels;

    public MerkleTree(IEnumerable<byte[]> entries)
    {
        _levels = [[.. entries.Select(e => Hash(Leaf, e, []))]];
        while (_levels[^1] is { Length: > 1 } below)
            _levels.Add([.. below.Chunk(2).Select(pair => pair.Length == 1 ? pair[0] : Hash(Node, pair[0], pair[1]))]);
    }

    public int Count => _levels[0].Length;

    /// <summary>Of an empty list the hash of nothing.</summary>
    public string Root => Convert.ToHexStringLower(Count == 0 ? SHA256.HashData([]) : _levels[^1][0]);

    /// <summary>What proves that entry <paramref name="index"/> is in the list (RFC 6962 §2.1.1): the neighbours on its way to the root.</summary>
    public IReadOnlyList<string> Proof(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        return [.. _levels
            .Select((level, height) => (level, neighbour: index >> height ^ 1))
            .Where(at => at.neighbour < at.level.Length)
            .Select(at => Convert.ToHexStringLower(at.level[at.neighbour]))];
    }

    /// <summary>Whether a proof shows that <paramref name="entry"/> is number <paramref name="index"/> of <paramref name="count"/>.</summary>
    public static bool Verify(string root, int count, int index, ReadOnlySpan<byte> entry, IReadOnlyList<string> proof)
    {
        if (index < 0 || index >= count) return false;
        byte[] hash = Hash(Leaf, entry, []);
        int taken = 0;
        for (; count > 1; index >>= 1, count = count / 2 + count % 2)
        {
            if ((index ^ 1) >= count) continue;
            if (taken == proof.Count || !Sha256Text.TryRead(proof[taken++], out byte[] neighbour)) return false;
            hash = index % 2 == 0 ? Hash(Node, hash, neighbour) : Hash(Node, neighbour, hash);
        }
        return taken == proof.Count && Convert.ToHexStringLower(hash) == root;
    }

    private static byte[] Hash(byte kind, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second) => SHA256.HashData([kind, .. first, .. second]);
}
