using System.Text;
using CudaAttribution.Runs;
using CudaAttribution.Served;
using static CudaAttribution.Tests.Served.ServedFixture;

namespace CudaAttribution.Tests.Served;

public sealed class ServedLogReaderTests
{
    private const string Table = "served.tsv", Lines = "served.jsonl";
    private static readonly DateTime Noon = new(2026, 11, 28, 12, 0, 0, DateTimeKind.Utc);

    [TestCase("served.tsv", "seed\tprompt\tpicture\ttime\taccount\tset_by_caller\n"
        + "18446744073709551615\ta cat\ta.png\t2026-11-28T12:00:00Z\talice\t\n\ta\\tdog\\n\\\\\tb.jpg\t\t\tseed\n\n0\t\tmore/c.webp\t2026-11-28T13:00:00.5+01:00\t\t\n")]
    [TestCase("served.tsv", "\uFEFFseed\tprompt\tpicture\ttime\taccount\tset_by_caller\r\n"
        + "18446744073709551615\ta cat\ta.png\t2026-11-28T12:00Z\talice\t\r\n\ta\\tdog\\n\\\\\tb.jpg\t\t\tseed\r\n0\t\tmore/c.webp\t2026-11-28T12:00:00.5\t\t")]
    [TestCase("served.jsonl", """{"prompt":"a cat","picture":"a.png","account":"alice","time":"2026-11-28T12:00:00Z","seed":18446744073709551615}""" + "\n"
        + """{"picture":"b.jpg","prompt":"a\tdog\n\\","seed":null,"set_by_caller":"seed"}""" + "\n"
        + """{"prompt":"","picture":"more/c.webp","seed":"0","time":"2026-11-28T12:00:00.500Z"}""")]
    public void Both_layouts_in_any_order_say_the_same(string file, string text)
    {
        var folder = Folder(file, text);
        ServedPicture[] expected =
        [
            new(0, "a cat", "a.png", Hash(1), "alice", Noon, ulong.MaxValue, null),
            new(1, "a\tdog\n\\", "b.jpg", FileHash(folder, "b.jpg"), null, null, null, "seed"),
            new(2, "", "more/c.webp", Hash(3), null, Noon.AddSeconds(0.5), 0, null),
        ];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(ServedLogReader.Read(folder.Root).Pictures, Is.EqualTo(expected));
            Assert.That(ServedLogReader.Read(folder.Path(file)).Pictures, Is.EqualTo(expected), "the file itself");
            Assert.That(ServedLogReader.Read(folder.Root).Pictures.Select(p => p.Time?.Kind), Has.All.Null.Or.EqualTo(DateTimeKind.Utc));
            var log = ServedLogReader.Read(folder.Root);
            Assert.That(log.Read(log.Pictures[0]), Is.EqualTo(Picture(1)));
            Assert.That(log.Header, Is.Null);
        }
    }

    [Test]
    public void A_prompt_that_was_served_again_keeps_all_its_pictures()
    {
        var log = ServedLogReader.Read(Folder(Table, "prompt\tpicture\na cat\ta.png\na cat\tb.jpg\na cat\ta.png\n").Root);
        Assert.That(log.Pictures.Select(p => (p.Prompt, p.File)), Is.EqualTo([("a cat", "a.png"), ("a cat", "b.jpg"), ("a cat", "a.png")]));
    }

    [TestCase("", 0, "the log is empty")]
    [TestCase("prompt\tpicture\n", 0, "the log is empty")]
    [TestCase("prompt\tfile\nx\ta.png\n", 1, "there is no 'picture'")]
    [TestCase("picture\nx\ta.png\n", 1, "there is no 'prompt'")]
    [TestCase("prompt\tpicture\tmodel\nx\ta.png\tm\n", 1, "'model' is not known here")]
    [TestCase("prompt\tpicture\tprompt\nx\ta.png\tm\n", 1, "a repeated column name")]
    [TestCase("prompt\tpicture\nx\ta.png\ty\n", 2, "the line has 3 fields, the header has 2")]
    [TestCase("prompt\tpicture\nx\n", 2, "the line has 1 fields, the header has 2")]
    [TestCase("prompt\tpicture\nx\ta.png\nx\t\n", 3, "there is no 'picture'")]
    [TestCase("prompt\tpicture\nx\tz.png\n", 2, "there is no picture 'z.png'")]
    [TestCase("prompt\tpicture\nx\tmore\n", 2, "there is no picture 'more'")]
    [TestCase("prompt\tpicture\nx\tserved.tsv\n", 2, "not a PNG, JPEG or WebP picture")]
    [TestCase("prompt\tpicture\nx\t../a.png\n", 2, "leads out of the folder")]
    [TestCase("prompt\tpicture\nx\tmore/../../a.png\n", 2, "leads out of the folder")]
    [TestCase("prompt\tpicture\nx\t/etc/passwd\n", 2, "is an absolute path")]
    [TestCase("prompt\tpicture\nx\t..\\\\a.png\n", 2, "holds '\\'")]
    [TestCase("prompt\tpicture\nx\\q\ta.png\n", 2, "'\\q' is no escape")]
    [TestCase("prompt\tpicture\nx\\\ta.png\n", 2, "'\\' is no escape")]
    [TestCase("prompt\tpicture\ttime\nx\ta.png\tyesterday\n", 2, "the time 'yesterday' is not one of ISO 8601")]
    [TestCase("prompt\tpicture\ttime\nx\ta.png\t28.11.2026\n", 2, "is not one of ISO 8601")]
    [TestCase("prompt\tpicture\ttime\nx\ta.png\t2026-13-01T00:00:00Z\n", 2, "is not one of ISO 8601")]
    [TestCase("prompt\tpicture\ttime\nx\ta.png\t2026-11-28T25:00:00Z\n", 2, "is not one of ISO 8601")]
    [TestCase("prompt\tpicture\tseed\nx\ta.png\t-1\n", 2, "the seed '-1' is not a whole number")]
    [TestCase("prompt\tpicture\tseed\nx\ta.png\t1.5\n", 2, "the seed '1.5' is not a whole number")]
    [TestCase("prompt\tpicture\tseed\nx\ta.png\t18446744073709551616\n", 2, "is not a whole number")]
    [TestCase("prompt\tpicture\tseed\nx\ta.png\t 7\n", 2, "is not a whole number")]
    [TestCase("prompt\tpicture\tpixel_sha256\nx\ta.png\t00\n", 2, "64 hex digits")]
    public void A_wrong_line_of_a_table_is_named(string text, int line, string problem) => AssertWrong(Folder(Table, text).Root, Table, line, problem);

    [TestCase("no json", 1, "the line is not JSON")]
    [TestCase("{\"prompt\":\"x\",\"picture\":\"a.png\"}\n[1]", 2, "the line is not a JSON object")]
    [TestCase("{\"prompt\":\"x\"}", 1, "there is no 'picture'")]
    [TestCase("{\"prompt\":null,\"picture\":\"a.png\"}", 1, "there is no 'prompt'")]
    [TestCase("{\"prompt\":\"x\",\"picture\":\"a.png\",\"file\":\"y\"}", 1, "'file' is not known here")]
    [TestCase("{\"prompt\":\"x\",\"picture\":\"a.png\",\"picture\":\"b.jpg\"}", 1, "the line is not JSON")]
    [TestCase("{\"prompt\":\"x\\ud83d\",\"picture\":\"a.png\"}", 1, "surrogate")]
    [TestCase("{\"prompt\":\"x\",\"picture\":\"a.png\",\"\\udc00\":1}", 1, "surrogate")]
    [TestCase("{\"prompt\":\"x\",\"picture\":\"a.png\",\"seed\":true}", 1, "'seed' is neither a text nor a number")]
    [TestCase("{\"prompt\":[],\"picture\":\"a.png\"}", 1, "'prompt' is neither a text nor a number")]
    [TestCase("{\"prompt\":\"x\",\"picture\":\"a.png\",\"seed\":1e3}", 1, "the seed '1e3' is not a whole number")]
    [TestCase("{\"prompt\":\"x\",\"picture\":\"a\\u0000.png\"}", 1, "holds a control character")]
    public void A_wrong_line_of_json_is_named(string text, int line, string problem) => AssertWrong(Folder(Lines, text).Root, Lines, line, problem);

    [Test]
    public void A_line_that_is_not_utf8_is_named()
    {
        var folder = Folder(Table, "");
        folder.Write(Table, [.. "prompt\tpicture\n"u8, 0xff, (byte)'\t', .. "a.png\n"u8]);
        AssertWrong(folder.Root, Table, 2, "not UTF-8");
    }

    [Test]
    public void A_picture_behind_a_link_is_refused_wherever_it_leads()
    {
        var folder = Folder(Table, "prompt\tpicture\nx\tlink.png\n");
        File.CreateSymbolicLink(folder.Path("link.png"), folder.Path("a.png"));
        AssertWrong(folder.Root, Table, 2, "lies behind a link");
        folder.Write(Table, "prompt\tpicture\nx\taway/a.png\n");
        Directory.CreateSymbolicLink(folder.Path("away"), folder.Root);
        AssertWrong(folder.Root, Table, 2, "lies behind a link");
    }

    [Test]
    public void A_folder_without_a_log_or_with_two_is_refused()
    {
        var two = Folder(Table, "prompt\tpicture\nx\ta.png\n");
        two.Write(Lines, "{}");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => ServedLogReader.Read(two.Root), Throws.InstanceOf<UserException>().With.Message.Contains("there are served.tsv and served.jsonl"));
            Assert.That(ServedLogReader.Read(two.Path(Table)).Pictures, Has.Count.EqualTo(1));
            Assert.That(() => ServedLogReader.Read(two.Path("more")), Throws.InstanceOf<UserException>().With.Message.Contains("no served log here"));
            Assert.That(() => ServedLogReader.Read(two.Path("a.png")), Throws.InstanceOf<UserException>().With.Message.Contains("no served log here"));
            Assert.That(() => ServedLogReader.Read(two.Path("x.tsv")), Throws.InstanceOf<UserException>().With.Message.Contains("cannot read this served log"));
        }
    }

    [Test]
    public void A_picture_whose_pixels_are_not_those_of_its_line_is_refused_when_it_is_read()
    {
        var folder = Folder(Table, $"prompt\tpicture\tpixel_sha256\nx\ta.png\t{Hash(1)}\ny\tmore/c.webp\t{Hash(1)}\n");
        var log = ServedLogReader.Read(folder.Root);
        Assert.That(log.Read(log.Pictures[0]), Is.EqualTo(Picture(1)));
        Assert.That(() => log.Read(log.Pictures[1]), Throws.InstanceOf<UserException>().With.Message.Contains("was changed after it was kept"));
    }

    [Test]
    public void Any_damaged_log_ends_with_a_sentence_or_a_log()
    {
        string table = "prompt\tpicture\tseed\ttime\naé\\n\ta.png\t7\t2026-11-28T12:00:00Z\nb\tmore/c.webp\t8\t2026-11-28\n";
        string lines = """{"prompt":"a\u00e9","picture":"a.png","seed":7,"time":"2026-11-28"}""" + "\n" + """{"prompt":"b","picture":"more/c.webp"}""" + "\n";
        var random = new Random(5);
        foreach (var (name, text) in new[] { (Table, table), (Lines, lines) })
        {
            var folder = Folder(name, text);
            byte[] sound = Encoding.UTF8.GetBytes(text);
            int refused = 0;
            for (int i = 0; i < 1000; i++)
            {
                byte[] touched = [.. sound];
                for (int k = random.Next(1, 4); k > 0; k--) touched[random.Next(touched.Length)] = (byte)random.Next(256);
                folder.Write(name, touched);
                try
                {
                    ServedLogReader.Read(folder.Root);
                }
                catch (UserException)
                {
                    refused++;
                }
            }
            Assert.That(refused, Is.InRange(100, 999), name);
        }
    }

    private static void AssertWrong(string folder, string file, int line, string problem)
    {
        string place = line == 0 ? $"{Path.Combine(folder, file)}: " : $"{Path.Combine(folder, file)}:{line}: ";
        Assert.That(
            () => ServedLogReader.Read(folder), Throws.InstanceOf<UserException>().With.Message.StartsWith(place).And.Message.Contains(problem));
    }
}
