using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;
using CudaAttribution.Chain;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;
using CudaAttribution.Runs;

namespace CudaAttribution.Served;

/// <summary>
/// Writes a log as pictures are served: a hash chain of lines, each with its picture on the disk before it. May be used from several threads at
/// once; no other process writes the same log.
/// </summary>
public sealed class ServedLogWriter : IDisposable
{
    private readonly RunFolder _folder;
    private readonly Claim _claim;
    private readonly HashChain<ServedEntry> _chain;
    private readonly HashSet<ulong> _seeds;
    private readonly Lock _lock = new();

    private ServedLogWriter(RunFolder folder, Claim claim, HashChain<ServedEntry> chain)
    {
        (_folder, _claim, _chain) = (folder, claim, chain);
        _seeds = [.. chain.Records.Select(r => r.Seed).OfType<ulong>()];
    }

    /// <summary>Pictures in the log.</summary>
    public int Count => _chain.Count;

    /// <summary>Begins a log, or goes on with the one that is there.</summary>
    /// <exception cref="UserException">Another process writes it, it is another model's, or it was touched.</exception>
    public static ServedLogWriter Open(RunFolder folder, ServedLogHeader header)
    {
        var claim = Claim.Take(folder, ServedLogHeader.FileName, header, "served log");
        HashChain<ServedEntry>? chain = null;
        try
        {
            string start = CanonicalJson.Hash(JsonSerializer.SerializeToNode(header, Json.Options));
            chain = HashChain<ServedEntry>.Open(folder, ServedLog.LinesFile, start, "served log");
            return new ServedLogWriter(folder, claim, chain);
        }
        catch
        {
            chain?.Dispose();
            claim.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The first of <paramref name="count"/> seeds in a row that no picture of the log has and no other call gets; by chance, below 2⁵³.
    /// </summary>
    public ulong DrawSeeds(int count)
    {
        lock (_lock)
        {
            while (true)
            {
                // JSON readers that hold numbers as doubles keep a seed of 53 bits.
                ulong first = BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(sizeof(ulong))) >> 11;
                ulong[] seeds = [.. Enumerable.Range(0, count).Select(i => first + (ulong)i)];
                if (_seeds.Overlaps(seeds)) continue;
                _seeds.UnionWith(seeds);
                return first;
            }
        }
    }

    /// <summary>Logs a picture. Picture and line are on the disk when this returns.</summary>
    /// <returns>The picture's file (PNG), as it lies in the log.</returns>
    /// <inheritdoc cref="ServedPicture" path="/param"/>
    /// <exception cref="UserException">It cannot be written, or the folder is another machine's by now.</exception>
    public byte[] Append(string prompt, RgbImage picture, string? account, ulong? seed, string? setByCaller)
    {
        byte[] png = ImageCodecs.EncodePng(picture);
        string hash = ImageHash.Of(picture), file = ServedEntry.FileOf(hash);
        lock (_lock)
        {
            _claim.EnsureHeld();
            _folder.Write(file, png, durable: true);
            _chain.Append(new ServedEntry(prompt, file, hash, account, DateTime.UtcNow, seed, setByCaller));
            if (seed is { } used) _seeds.Add(used);
        }
        return png;
    }

    public void Dispose()
    {
        _chain.Dispose();
        _claim.Dispose();
    }
}
