using System.Diagnostics;
using System.Text;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Data.Tests.Support;
using NUnit.Framework;

namespace CudaAttribution.Data.Tests.Layouts;

/// <summary>One file of a sound set is damaged: the set is read or refused with a sentence that names a file of it, in bounded time and memory.</summary>
public sealed class LayoutFuzzTests : LayoutFixture
{
    private const int Some = 200, All = 10_000;
    private const long MaxMemory = 768L << 20;
    private static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(10);

    private static readonly string Long = new('n', 120);
    private static readonly byte[] Png = ImageCodecs.EncodePng(Picture(1)), OtherPng = ImageCodecs.EncodePng(Picture(2));

    /// <summary>Of each layout the file to damage, and the others.</summary>
    private static readonly Dictionary<string, (string File, byte[] Bytes, (string Name, byte[] Bytes)[] Others)> Sets = new()
    {
        ["jsonl"] = (
            "metadata.jsonl", Utf8("{\"file_name\": \"a.png\", \"text\": \"x\", \"n\": 1}\n{\"file_name\": \"b.png\", \"text\": \"\\u00e9\", \"n\": 2}\n"),
            [("a.png", Png), ("b.png", OtherPng)]),
        ["csv"] = ("metadata.csv", Utf8("\uFEFFfile_name,text,n\r\na.png,\"x, \"\"y\"\"\r\nz\",1\r\nb.png,é,2\r\n"), [("a.png", Png), ("b.png", OtherPng)]),
        ["metadata-parquet"] = ("metadata.parquet", Pictures.File("parquet/metadata.parquet"), [("a.png", Png), ("images/b.png", OtherPng)]),
        ["celeba"] = (
            "text/captions_hq.json",
            Utf8("{\"1.jpg\": {\"overall_caption\": \"x\", \"attribute_wise_captions\": {\"Bangs\": null}},\n\"2.jpg\": {\"overall_caption\": \"y\"}}"),
            [("image/1.jpg", Png), ("image/2.jpg", OtherPng), ("attributes/a.txt", Utf8("2\nBangs\n1.jpg 1\n2.jpg 2\n"))]),
        ["labels"] = (
            "attributes/a.txt", Utf8("2\r\nBangs Smiling\r\n1.jpg 1 -1\r\n2.jpg 2 4\r\n"),
            [("image/1.jpg", Png), ("image/2.jpg", OtherPng), ("text/captions_hq.json", Utf8("{\"1.jpg\": \"x\", \"2.jpg\": \"y\"}"))]),
        ["conceptual"] = (
            "v.tsv", Utf8("x y\thttp://example.com/0.jpg\r\nz é\thttps://example.com/1.jpg?w=2\r\n"),
            [("validation/0_2000478541", Png), ("validation/2613926756", OtherPng)]),
        ["txt"] = ("a.txt", Utf8("\uFEFFa caption, é\r\n"), [("a.png", Png), ("b.png", OtherPng), ("b.caption", Utf8("y"))]),
        ["json"] = (
            "a.json", Utf8("{\"caption\": \"x\", \"url\": \"http://x\", \"n\": 3, \"exif\": \"{\\\"a\\\": \\\"\\ud83d\\\"}\"}"),
            [("a.png", Png), ("b.png", OtherPng), ("b.txt", Utf8("y"))]),
        ["tar"] = ("a.tar", TarWriting.Archive(("a.png", Png), ("a.txt", "x"), (Long + ".png", OtherPng), (Long + ".json", "{\"text\": \"y\"}")), []),
        ["parquet"] = ("a.parquet", Pictures.File("parquet/train-00000-of-00002.parquet"), []),
        ["parquet-zstd"] = ("a.parquet", Pictures.File("parquet/train-00001-of-00002.parquet"), []),
        ["parquet-v2"] = ("a.parquet", Pictures.File("parquet/flat.parquet"), []),
    };

    public static IEnumerable<string> Names() => Sets.Keys;

    [TestCaseSource(nameof(Names))]
    public void EachDamagedSetIsReadOrRefused(string name) => Run(name, Some, seed: 3);

    [Category("Slow")]
    [TestCaseSource(nameof(Names))]
    public void EachOfTenThousandIsReadOrRefused(string name) => Run(name, All, seed: 4);

    private void Run(string name, int files, int seed)
    {
        var (damaged, sound, others) = Sets[name];
        foreach ((string other, byte[] bytes) in others) Folder.Write(other, bytes);
        var damage = new Damage(seed);
        int read = 0, refused = 0;
        TimeSpan slowest = default;
        File.WriteAllText("/proc/self/clear_refs", "5");
        for (int i = 0; i < files; i++)
        {
            byte[] bytes = Damaged(name, sound, damage, i);
            Folder.Write(damaged, bytes);
            var watch = Stopwatch.StartNew();
            try
            {
                _ = Load(policy: i % 2 == 0 ? BadImagePolicy.Skip : BadImagePolicy.Fail).Hash;
                read++;
            }
            catch (DatasetException e)
            {
                refused++;
                bool clear = e.File?.StartsWith(Folder.Path, StringComparison.Ordinal) == true && e.Problem.Length > 8 && e.Message.Length < 4000
                    && !e.Message.Any(char.IsControl);
                if (!clear) Assert.Fail($"file {i}: '{e.Message}' is no clear sentence");
            }
            catch (Exception e)
            {
                Assert.Fail($"file {i} ({Convert.ToBase64String(bytes)[..Math.Min(6000, bytes.Length)]}): {e}");
            }
            if (watch.Elapsed > MaxTime) Assert.Fail($"file {i} took {watch.Elapsed}");
            if (watch.Elapsed > slowest) slowest = watch.Elapsed;
        }
        long peak = 1024 * long.Parse(File.ReadLines("/proc/self/status").Single(l => l.StartsWith("VmHWM", StringComparison.Ordinal)).Split(' ')[^2]);
        TestContext.Out.WriteLine($"{name}: {read} read, {refused} refused; slowest {slowest.TotalMilliseconds:F0} ms, peak of the process {peak >> 20} MiB");
        Assert.That(peak, Is.LessThan(MaxMemory));
        Assert.That(Math.Min(read, refused), Is.GreaterThan(files / 100), "some are still sound, some are not");
    }

    /// <summary>Of archives and tables half are damaged where it decides: in the headers, with right checksums, and in the description at the end.</summary>
    private static byte[] Damaged(string name, byte[] sound, Damage damage, int number)
    {
        if (number % 2 == 0 || !(name == "tar" || name.Contains("parquet"))) return damage.Bytes(sound);
        if (name == "tar")
        {
            byte[] archive = [.. sound];
            int header = 512 * (number / 2 % (archive.Length / 512));
            byte[] changed = damage.Bytes(archive[header..(header + 512)]);
            changed.AsSpan(0, Math.Min(512, changed.Length)).CopyTo(archive.AsSpan(header));
            archive.AsSpan(header + 148, 8).Fill((byte)' ');
            string sum = Convert.ToString(archive.AsSpan(header, 512).ToArray().Sum(b => b), 8).PadLeft(6, '0') + "\0 ";
            Encoding.ASCII.GetBytes(sum).CopyTo(archive, header + 148);
            return archive;
        }
        int start = sound.Length - 8 - BitConverter.ToInt32(sound, sound.Length - 8);
        byte[] description = damage.Bytes(sound[start..^8]);
        return [.. sound[..start], .. description, .. BitConverter.GetBytes(description.Length), .. "PAR1"u8];
    }

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);
}
