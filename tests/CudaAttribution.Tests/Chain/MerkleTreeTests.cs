using System.Security.Cryptography;
using CudaAttribution.Chain;

namespace CudaAttribution.Tests.Chain;

public sealed class MerkleTreeTests
{
    // The eight entries that implementations of RFC 6962 share as test vectors, and the roots of their first n.
    private static readonly string[] Entries = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];

    [TestCase(0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    [TestCase(1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d")]
    [TestCase(2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125")]
    [TestCase(3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77")]
    [TestCase(4, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7")]
    [TestCase(5, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4")]
    [TestCase(6, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef")]
    [TestCase(7, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c")]
    [TestCase(8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328")]
    public void The_roots_are_those_of_certificate_transparency(int count, string root) =>
        Assert.That(new MerkleTree(Entries.Take(count).Select(Convert.FromHexString)).Root, Is.EqualTo(root));

    [Test]
    public void Three_entries_by_hand()
    {
        byte[] a = [1], b = [2, 3], c = [];
        byte[] left = Sha([1, .. Sha([0, .. a]), .. Sha([0, .. b])]);
        Assert.That(new MerkleTree([a, b, c]).Root, Is.EqualTo(Convert.ToHexStringLower(Sha([1, .. left, .. Sha([0, .. c])]))));
        Assert.That(new MerkleTree([a, b, c]).Proof(2), Is.EqualTo([Convert.ToHexStringLower(left)]));
    }

    /// <summary>The recursive definition of the RFC, which splits instead of pairing.</summary>
    [Test]
    public void Every_tree_up_to_40_entries_is_that_of_the_definition()
    {
        byte[][] entries = [.. Enumerable.Range(0, 40).Select(i => BitConverter.GetBytes(i))];
        for (int n = 1; n <= entries.Length; n++)
            Assert.That(new MerkleTree(entries.Take(n)).Root, Is.EqualTo(Convert.ToHexStringLower(Defined(entries.AsSpan(0, n)))), $"{n}");
    }

    [Test]
    public void A_proof_shows_its_entry_at_its_place_and_nothing_else()
    {
        byte[][] entries = [.. Enumerable.Range(0, 40).Select(i => BitConverter.GetBytes(i))];
        for (int n = 1; n <= entries.Length; n++)
        {
            var tree = new MerkleTree(entries.Take(n));
            for (int i = 0; i < n; i++)
            {
                var proof = tree.Proof(i);
                using (Assert.EnterMultipleScope())
                {
                    Assert.That(MerkleTree.Verify(tree.Root, n, i, entries[i], proof));
                    Assert.That(MerkleTree.Verify(tree.Root, n, i, [9, 9, 9, 9], proof), Is.False);
                    for (int j = 0; j < n; j++)
                    {
                        Assert.That(MerkleTree.Verify(tree.Root, n, j, entries[i], proof), Is.EqualTo(i == j), $"{n} {i} {j}");
                        Assert.That(MerkleTree.Verify(tree.Root, n, i, entries[j], proof), Is.EqualTo(i == j), $"{n} {i} {j}");
                    }
                    Assert.That(MerkleTree.Verify(tree.Root, n, i, entries[i], [.. proof, tree.Root]), Is.False, "one too many");
                    for (int k = 0; k < proof.Count; k++)
                    {
                        string touched = (proof[k][0] == '0' ? '1' : '0') + proof[k][1..];
                        string[] before = [.. proof.Take(k)], after = [.. proof.Skip(k + 1)];
                        Assert.That(MerkleTree.Verify(tree.Root, n, i, entries[i], [.. before, touched, .. after]), Is.False);
                        Assert.That(MerkleTree.Verify(tree.Root, n, i, entries[i], [.. before, .. after]), Is.False, "one too few");
                    }
                }
            }
        }
    }

    /// <summary>Every bit of root, entry and proof, of every entry of every tree.</summary>
    [Test]
    public void Every_flipped_bit_fails()
    {
        byte[][] entries = [.. Enumerable.Range(0, 40).Select(i => BitConverter.GetBytes(i))];
        for (int n = 1; n <= entries.Length; n++)
        {
            var tree = new MerkleTree(entries.Take(n));
            for (int i = 0; i < n; i++)
            {
                string[] proof = [.. tree.Proof(i)];
                int held = Enumerable.Range(0, 256).Count(bit => MerkleTree.Verify(Flip(tree.Root, bit), n, i, entries[i], proof))
                    + Enumerable.Range(0, 32).Count(bit => MerkleTree.Verify(tree.Root, n, i, BitConverter.GetBytes(i ^ 1 << bit), proof));
                for (int k = 0; k < proof.Length; k++)
                {
                    string right = proof[k];
                    for (int bit = 0; bit < 256; bit++)
                    {
                        proof[k] = Flip(right, bit);
                        if (MerkleTree.Verify(tree.Root, n, i, entries[i], proof)) held++;
                    }
                    proof[k] = right;
                }
                Assert.That(held, Is.Zero, $"{n} {i}");
                Assert.That(MerkleTree.Verify(tree.Root, n, i, entries[i], proof));
            }
        }

        static string Flip(string hash, int bit)
        {
            byte[] bytes = Convert.FromHexString(hash);
            bytes[bit / 8] ^= (byte)(1 << bit % 8);
            return Convert.ToHexStringLower(bytes);
        }
    }

    [Test]
    public void What_is_no_proof_shows_nothing()
    {
        byte[][] entries = [[1], [2]];
        var tree = new MerkleTree(entries);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(MerkleTree.Verify(tree.Root, 2, 0, entries[0], ["no hash"]), Is.False);
            Assert.That(MerkleTree.Verify(tree.Root, 2, 0, entries[0], [new string('x', 64)]), Is.False);
            Assert.That(MerkleTree.Verify(tree.Root, 2, 0, entries[0], [tree.Proof(0)[0].ToUpperInvariant()]), Is.False, "one text for one hash");
            Assert.That(MerkleTree.Verify(tree.Root, 2, 2, entries[0], tree.Proof(0)), Is.False);
            Assert.That(MerkleTree.Verify(tree.Root, 2, -1, entries[0], tree.Proof(0)), Is.False);
            Assert.That(() => tree.Proof(2), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => new MerkleTree([]).Proof(0), Throws.InstanceOf<ArgumentOutOfRangeException>());
        }
    }

    /// <summary>Without the byte before each hash a node could pass for an entry.</summary>
    [Test]
    public void A_node_is_no_entry()
    {
        byte[] a = [1], b = [2], c = [3], d = [4];
        byte[] left = [.. Sha([0, .. a]), .. Sha([0, .. b])], right = [.. Sha([0, .. c]), .. Sha([0, .. d])];
        Assert.That(new MerkleTree([left, right]).Root, Is.Not.EqualTo(new MerkleTree([a, b, c, d]).Root));
    }

    private static byte[] Defined(ReadOnlySpan<byte[]> entries)
    {
        if (entries.Length == 1) return Sha([0, .. entries[0]]);
        int split = 1;
        while (2 * split < entries.Length) split *= 2;
        return Sha([1, .. Defined(entries[..split]), .. Defined(entries[split..])]);
    }

    private static byte[] Sha(byte[] bytes) => SHA256.HashData(bytes);
}
