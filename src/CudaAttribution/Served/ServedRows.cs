using System.Globalization;
using CudaAttribution.Chain;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Images;
using CudaAttribution.Runs;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Served;

/// <summary>The lines of a log, whatever they are written in: names and texts.</summary>
/// <param name="folder">The log's folder.</param>
/// <param name="file">The log, for messages.</param>
internal sealed class ServedRows(string folder, string file)
{
    private const long LargestPicture = 64L << 20;

    private static readonly string[] Required = [ServedLog.Prompt, ServedLog.Picture];

    private static readonly string[] Names =
        [.. Required, ServedLog.Account, ServedLog.Time, ServedLog.Seed, ServedLog.SetByCaller, ServedLog.PixelHash];

    // ISO 8601 as programs write it; without a zone it is UTC.
    private static readonly string[] Times =
        ["yyyy-MM-dd", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"];

    /// <exception cref="UserException">A name is missing or not known.</exception>
    public static void CheckNames(IReadOnlyCollection<string> names, string file, int line)
    {
        if (Required.Except(names).FirstOrDefault() is { } missing)
            throw new UserException($"there is no '{missing}'", $"Name {string.Join(" and ", Required.Select(n => $"'{n}'"))}.", file, line);
        if (names.Except(Names).FirstOrDefault() is { } unknown)
            throw new UserException(
                $"'{PrintableText.Of(unknown)}' is not known here", $"Leave it out; known are {string.Join(", ", Names)}.", file, line);
    }

    /// <summary>The picture of a line.</summary>
    /// <exception cref="UserException">The line or its picture is wrong.</exception>
    public ServedPicture Read(int number, int line, IReadOnlyDictionary<string, string> row)
    {
        CheckNames([.. row.Keys], file, line);
        string name = row[ServedLog.Picture];
        string path = Resolve(name, line);
        return new ServedPicture(
            number, row[ServedLog.Prompt], name,
            row.TryGetValue(ServedLog.PixelHash, out string? hash) ? Known(hash, line) : Hash(path, name, line),
            row.GetValueOrDefault(ServedLog.Account),
            row.TryGetValue(ServedLog.Time, out string? time) ? Time(time, line) : null,
            row.TryGetValue(ServedLog.Seed, out string? seed) ? Seed(seed, line) : null,
            row.GetValueOrDefault(ServedLog.SetByCaller));
    }

    private string Known(string hash, int line) =>
        Sha256Text.TryRead(hash, out _) ? hash : throw Wrong($"{ServedLog.PixelHash} is not 64 hex digits in lower case", "Leave it out.", line);

    private DateTime Time(string text, int line) =>
        DateTime.TryParseExact(
            text, Times, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
            ? time
            : throw Wrong($"the time '{PrintableText.Of(text)}' is not one of ISO 8601", "Write 2026-11-28T12:00:00Z.", line);

    private ulong Seed(string text, int line) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong seed)
            ? seed
            : throw Wrong($"the seed '{PrintableText.Of(text)}' is not a whole number from 0 to {ulong.MaxValue}", "Write it so, or leave it out.", line);

    /// <summary>Where a picture lies: in the log's folder, reached without links.</summary>
    private string Resolve(string name, int line)
    {
        if (RelativePath.Problem(name) is { } problem)
            throw Wrong($"the picture '{PrintableText.Of(name)}' {problem}", "Put the pictures into the log's folder and name them from there.", line);
        string path = folder;
        foreach (string part in name.Split('/'))
        {
            path = Path.Combine(path, part);
            if (new FileInfo(path).LinkTarget is not null)
                throw Wrong($"the picture '{name}' lies behind a link and may be outside the log's folder", "Put the picture itself there.", line);
        }
        return File.Exists(path) ? path : throw Wrong($"there is no picture '{name}'", "Restore it, or leave the line out.", line);
    }

    private string Hash(string path, string name, int line)
    {
        try
        {
            long length = new FileInfo(path).Length;
            if (length > LargestPicture) throw new UserException($"the file has more than {LargestPicture} bytes", "Leave it out.", path);
            return ImageHash.Of(PictureFiles.Read(path));
        }
        catch (UserException e)
        {
            throw Wrong($"the picture '{name}': {e.Problem}", e.Remedy, line, e);
        }
    }

    private UserException Wrong(string problem, string remedy, int line, Exception? inner = null) => new(problem, remedy, file, line, inner);
}
