using System.Security.Cryptography;
using System.Text;
using CudaAttribution.Chain;
using CudaAttribution.Runs;

namespace CudaAttribution.Tests.Chain;

public sealed class HashChainTests
{
    private const string Name = "asked.jsonl";
    private static readonly string Start = new('a', 64);
    private static readonly byte[] AllBytes = [.. Enumerable.Range(0, 256).Select(v => (byte)v)];
    private static readonly Entry[] Entries = [new(0, "a café at \"noon\"", 0.25), new(1, "l'été\n\\", null), new(2, "", -1e-9)];

    private RunFolder _folder = null!;

    private string File => _folder.Path(Name);

    [SetUp]
    public void MakeFolder() => _folder = new RunFolder(TestFolder.New("chain"));

    [Test]
    public void A_line_is_the_record_and_the_hash_of_all_so_far()
    {
        Write(Entries[0], Entries[2]);
        string first = """{"number":0,"text":"a café at \"noon\"","value":0.25}""", second = """{"number":2,"text":"","value":-1E-09}""";
        byte[] one = SHA256.HashData([.. Convert.FromHexString(Start), .. Encoding.UTF8.GetBytes(first)]);
        byte[] two = SHA256.HashData([.. one, .. Encoding.UTF8.GetBytes(second)]);
        string text = $$"""
            {"record":{{first}},"sha256":"{{Convert.ToHexStringLower(one)}}"}
            {"record":{{second}},"sha256":"{{Convert.ToHexStringLower(two)}}"}

            """;
        Assert.That(System.IO.File.ReadAllText(File), Is.EqualTo(text));
        using var chain = Open();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(chain.Head, Is.EqualTo(Convert.ToHexStringLower(two)));
            Assert.That(chain.Count, Is.EqualTo(2));
            Assert.That(chain.Records, Is.EqualTo([Entries[0], Entries[2]]));
        }
    }

    [Test]
    public void An_empty_chain_ends_with_what_it_begins_with()
    {
        using var chain = Open();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(chain.Head, Is.EqualTo(Start));
            Assert.That(chain.Count, Is.Zero);
            Assert.That(chain.Records, Is.Empty);
        }
    }

    [Test]
    public void Whether_it_was_written_at_once_or_continued_does_not_show()
    {
        Write(Entries);
        byte[] once = System.IO.File.ReadAllBytes(File);
        System.IO.File.Delete(File);
        foreach (var entry in Entries) Write(entry);
        Assert.That(System.IO.File.ReadAllBytes(File), Is.EqualTo(once));
    }

    [Test]
    public void Each_change_of_a_byte_is_named_by_its_line_whether_the_chain_is_read_or_continued()
    {
        Write(Entries);
        byte[] sound = System.IO.File.ReadAllBytes(File);
        int line = 1, changes = 0;
        for (int at = 0; at < sound.Length; at++)
        {
            // In the last line feed every other value is tried, since what comes before it may look unfinished.
            byte[] values = at == sound.Length - 1
                ? AllBytes
                : [(byte)(sound[at] ^ 1), (byte)(sound[at] ^ 0x20), 0, (byte)'\n', (byte)'"', (byte)'}', 0xff];
            foreach (byte value in values)
            {
                if (value == sound[at]) continue;
                byte[] touched = [.. sound];
                touched[at] = value;
                System.IO.File.WriteAllBytes(File, touched);
                Assert.That(Touched(() => HashChain<Entry>.Read(File, Start, "chain").ToList()), Is.EqualTo(line), $"byte {at} as {value}, read");
                Assert.That(Touched(() => Open().Dispose()), Is.EqualTo(line), $"byte {at} as {value}, continued");
                Assert.That(System.IO.File.ReadAllBytes(File), Is.EqualTo(touched), "a touched chain is left as it is");
                changes++;
            }
            if (sound[at] == '\n') line++;
        }
        Assert.That(changes, Is.GreaterThan(1000));
    }

    [Test]
    public void A_line_left_out_doubled_or_moved_is_named()
    {
        Write(Entries);
        string[] lines = System.IO.File.ReadAllLines(File);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(TouchedAs(lines[1], lines[2]), Is.EqualTo(1), "the first left out");
            Assert.That(TouchedAs(lines[0], lines[2]), Is.EqualTo(2), "the second left out");
            Assert.That(TouchedAs(lines[0], lines[0], lines[1]), Is.EqualTo(2), "the first twice");
            Assert.That(TouchedAs(lines[0], lines[2], lines[1]), Is.EqualTo(2), "two exchanged");
            Assert.That(TouchedAs(lines[0], "", lines[1]), Is.EqualTo(2), "an empty line");
        }
    }

    [Test]
    public void A_chain_that_begins_with_something_else_is_named_by_its_first_line()
    {
        Write(Entries);
        Assert.That(Touched(() => HashChain<Entry>.Read(File, new string('b', 64), "chain").ToList()), Is.EqualTo(1));
    }

    [Test]
    public void What_a_killed_process_left_of_a_line_is_cut_off_wherever_it_ends()
    {
        Write(Entries[0], Entries[1]);
        byte[] two = System.IO.File.ReadAllBytes(File);
        Write(Entries[2]);
        byte[] three = System.IO.File.ReadAllBytes(File);
        for (int length = two.Length; length < three.Length; length++)
        {
            System.IO.File.WriteAllBytes(File, three[..length]);
            if (length > two.Length) Assert.That(Touched(() => HashChain<Entry>.Read(File, Start, "chain").ToList()), Is.EqualTo(3), "unfinished");
            Write(Entries[2]);
            Assert.That(System.IO.File.ReadAllBytes(File), Is.EqualTo(three), $"cut off at {length}");
        }
    }

    [Test]
    public void A_record_of_another_kind_is_named()
    {
        using (var other = HashChain<int[]>.Open(_folder, Name, Start, "chain")) other.Append([1, 2]);
        Assert.That(
            () => HashChain<Entry>.Read(File, Start, "chain").ToList(),
            Throws.InstanceOf<ChainException>().With.Property("Line").EqualTo(1).And.Message.Contains("not a record of a chain"));
    }

    /// <summary>Lines with the right hash that only a forger writes: two readers could read them in two ways, or not at all.</summary>
    [TestCase("""{"number":0,"number":1,"text":"","value":1}""")]
    [TestCase("""{"number":0,"text":"\ud83d","value":1}""")]
    [TestCase("{\"number\":0,\"text\":\"\xff\",\"value\":1}")]
    [TestCase("no json")]
    [TestCase("")]
    public void A_record_that_is_no_sound_json_is_no_line_though_its_hash_fits(string record)
    {
        byte[] text = Encoding.Latin1.GetBytes(record), hash = SHA256.HashData([.. Convert.FromHexString(Start), .. text]);
        string end = $",\"sha256\":\"{Convert.ToHexStringLower(hash)}\"}}\n";
        System.IO.File.WriteAllBytes(File, [.. "{\"record\":"u8, .. text, .. Encoding.ASCII.GetBytes(end)]);
        Assert.That(Touched(() => Open().Dispose()), Is.EqualTo(1));
    }

    [Test]
    public void A_chain_that_is_not_there_cannot_be_read() => Assert.That(
        () => HashChain<Entry>.Read(File, Start, "chain").ToList(),
        Throws.InstanceOf<UserException>().With.Message.Contains("cannot open this chain"));

    [Test]
    public void A_chain_begins_with_a_hash() => Assert.That(() => HashChain<Entry>.Open(_folder, Name, "seed", "chain"), Throws.ArgumentException);

    private HashChain<Entry> Open() => HashChain<Entry>.Open(_folder, Name, Start, "chain");

    private void Write(params Entry[] entries)
    {
        using var chain = Open();
        foreach (var entry in entries) chain.Append(entry);
    }

    private int? TouchedAs(params string[] lines)
    {
        System.IO.File.WriteAllText(File, string.Concat(lines.Select(l => l + "\n")));
        return Touched(() => HashChain<Entry>.Read(File, Start, "chain").ToList());
    }

    private static int? Touched(Action read)
    {
        try
        {
            read();
            return null;
        }
        catch (ChainException e)
        {
            return e.Line;
        }
    }

    private sealed record Entry(int Number, string Text, double? Value);
}
