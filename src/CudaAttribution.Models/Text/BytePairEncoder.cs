using System.Buffers;
using System.Collections.Concurrent;
using System.Text;

namespace CudaAttribution.Models.Text;

/// <summary>The encoder without a library: a word of n bytes takes O(n log n); short words are remembered.</summary>
internal sealed class BytePairEncoder : IBytePairEncoder
{
    private const int LongestRemembered = 64, MostRemembered = 1 << 16;

    private const int Missing = -1, Consumed = -2;

    private readonly int[] _within = new int[256], _atEnd = new int[256];
    private readonly Dictionary<long, (int Rank, int Id)> _merges;
    private readonly int _unknown, _stride;
    private readonly ConcurrentDictionary<string, int[]> _remembered = new(StringComparer.Ordinal);

    /// <param name="vocabulary">The vocabulary.</param>
    /// <param name="unknownToken">One of its tokens.</param>
    public BytePairEncoder(ClipVocabulary vocabulary, string unknownToken)
    {
        (_unknown, _stride) = (vocabulary.Ids[unknownToken], vocabulary.Tokens.Count);
        for (int b = 0; b < 256; b++)
        {
            string symbol = ClipVocabulary.ByteSymbols[b].ToString();
            _within[b] = vocabulary.Ids.TryGetValue(symbol, out int id) ? id : Missing;
            _atEnd[b] = vocabulary.Ids.TryGetValue(symbol + ClipVocabulary.EndOfWord, out id) ? id : Missing;
        }
        _merges = new(vocabulary.Merges.Count);
        foreach (var (rank, (left, right)) in vocabulary.Merges.Index())
        {
            _merges.Add(Key(vocabulary.Ids[left], vocabulary.Ids[right]), (rank, vocabulary.Ids[left + right]));
        }
    }

    public void Encode(ReadOnlySpan<char> word, List<int> ids)
    {
        if (word.Length > LongestRemembered)
        {
            Merge(word, ids);
            return;
        }
        var remembered = _remembered.GetAlternateLookup<ReadOnlySpan<char>>();
        if (!remembered.TryGetValue(word, out int[]? tokens))
        {
            var merged = new List<int>();
            Merge(word, merged);
            tokens = [.. merged];
            if (_remembered.Count < MostRemembered) remembered.TryAdd(word, tokens);
        }
        ids.AddRange(tokens);
    }

    private void Merge(ReadOnlySpan<char> word, List<int> ids)
    {
        int length = Encoding.UTF8.GetByteCount(word);
        byte[] bytes = ArrayPool<byte>.Shared.Rent(length);
        int[] buffer = ArrayPool<int>.Shared.Rent(3 * length);
        Encoding.UTF8.GetBytes(word, bytes);
        var chain = new Chain(buffer.AsSpan(0, length), buffer.AsSpan(length, length), buffer.AsSpan(2 * length, length));
        for (int i = 0; i < length; i++) chain.Tokens[i] = i == length - 1 ? _atEnd[bytes[i]] : _within[bytes[i]];
        MergeAll(chain);
        for (int i = 0; i < length; i = chain.Next[i]) ids.Add(chain.Tokens[i] == Missing ? _unknown : chain.Tokens[i]);
        ArrayPool<int>.Shared.Return(buffer);
        ArrayPool<byte>.Shared.Return(bytes);
    }

    private void MergeAll(Chain chain)
    {
        var pairs = new Pairs();
        for (int i = 0; i < chain.Tokens.Length; i++) (chain.Previous[i], chain.Next[i]) = (i - 1, i + 1);
        for (int i = 0; i < chain.Tokens.Length; i++) Add(chain, i, pairs);
        var merged = new List<int>();
        // All pairs of one rank before any pair that comes from merging them, even if that stands earlier in the list.
        while (pairs.TryTakeFirst(out int rank, out List<int> positions))
        {
            merged.Clear();
            foreach (int at in positions)
            {
                if (TryMerge(chain, at, rank)) merged.Add(at);
            }
            foreach (int at in merged)
            {
                Add(chain, at, pairs);
                if (chain.Previous[at] >= 0) Add(chain, chain.Previous[at], pairs);
            }
        }
    }

    private void Add(Chain chain, int at, Pairs pairs)
    {
        if (TryFind(chain, at, out var merge)) pairs.Add(merge.Rank, at);
    }

    /// <summary>Merges a token with its right neighbour, unless their merge is no longer the one of that rank.</summary>
    private bool TryMerge(Chain chain, int at, int rank)
    {
        if (!TryFind(chain, at, out var merge) || merge.Rank != rank) return false;
        int right = chain.Next[at], next = chain.Next[right];
        chain.Tokens[at] = merge.Id;
        chain.Tokens[right] = Consumed;
        chain.Next[at] = next;
        if (next < chain.Tokens.Length) chain.Previous[next] = at;
        return true;
    }

    private bool TryFind(Chain chain, int at, out (int Rank, int Id) merge)
    {
        merge = default;
        int left = chain.Tokens[at], next = chain.Next[at];
        if (left < 0 || next >= chain.Tokens.Length) return false;
        int right = chain.Tokens[next];
        return right >= 0 && _merges.TryGetValue(Key(left, right), out merge);
    }

    // A long hashes to its halves' exclusive or: the product keeps different pairs apart, shifted halves would not.
    private long Key(int left, int right) => (long)left * _stride + right;

    /// <summary>The tokens of a word by the position of their first byte, linked; -1 and the length stand before and behind all.</summary>
    private readonly ref struct Chain(Span<int> tokens, Span<int> previous, Span<int> next)
    {
        public readonly Span<int> Tokens = tokens, Previous = previous, Next = next;
    }

    /// <summary>Positions of the left tokens of pairs by the rank of their merge; some are outdated when they are taken out.</summary>
    private sealed class Pairs
    {
        private readonly Dictionary<int, List<int>> _positions = [];
        private readonly PriorityQueue<int, int> _ranks = new();

        public void Add(int rank, int at)
        {
            if (!_positions.TryGetValue(rank, out var positions))
            {
                _positions.Add(rank, positions = []);
                _ranks.Enqueue(rank, rank);
            }
            positions.Add(at);
        }

        /// <summary>Takes out the positions of the lowest rank, from left to right.</summary>
        public bool TryTakeFirst(out int rank, out List<int> positions)
        {
            positions = [];
            if (!_ranks.TryDequeue(out rank, out _) || !_positions.Remove(rank, out var found)) return false;
            found.Sort();
            positions = found;
            return true;
        }
    }
}
