using System.CommandLine;
using System.Security.Cryptography;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Models.Watermark;
using CudaAttribution.Runs;
using CudaAttribution.Watermark;
using Spectre.Console;

namespace CudaAttribution.Cli.Commands;

/// <summary><c>cudattr watermark train|mark|read</c>: Baseline 1, 32 bits in the pictures themselves.</summary>
internal static class WatermarkCommand
{
    private const string Description =
        """
        Baseline 1 of the published method: 32 bits in every picture that the owner gives away, and a decoder that looks for them in what a suspect answers.
          1. watermark train   trains an encoder and a decoder together on pictures, through resizing, JPEG, noise, moves and, if you like, an autoencoder
          2. watermark mark    puts one message into a set of pictures; keep mark.json to yourself
          3. watermark read    reads a folder of pictures, such as images/ of 'cudattr sample', and says how far it is the message
        A mark is read from a suspect's answers only if training on marked pictures carries it over, which must be tried, not assumed: others found that it
        often does not (arXiv 2506.23731). docs/method.md ("Watermark") has the definitions and what was measured.
        """;

    private const string MarkDescription =
        """
        Writes pictures/ (the set, marked, with its captions) and mark.json (schema, model, data, message). The message is drawn by the system's random
        generator unless it is given; the p of 'watermark read' is exact only for a message that was drawn so, before anybody saw the suspect.
        """;

    private const string ReadDescription =
        """
        Reads 32 bits from each picture and compares them with the owner's message. A picture is marked where at least --threshold bits match;
        conf_B1 is the share of marked pictures. Two p-values:
          exact     how many of all 4,294,967,296 messages match at least as well, all pictures together. Holds whatever the decoder leans to and however
                    bits depend on each other, if the message was drawn uniformly and the suspect does not depend on it; not below 2.3e-10
          binomial  as if all bits were independent fair coins: a figure of a model, since bits of one picture are not, and a decoder leans on natural pictures
        Writes reading.json (schema, model, message, pictures, threshold, chance_of_marked, marked, conf_b1, interval, bit_accuracy, key_p, key_log10_p,
        binomial_p, binomial_log10_p, ones, and for each picture: id, message, matches, marked) and manifest.json.
        """;

    public static Command Create() => new("watermark", Description) { WatermarkTrainCommand.Create(), CreateMark(), CreateRead() };

    private static Command CreateMark()
    {
        var model = Model();
        var data = CommonOptions.Data("--data", "Pictures to mark, resized to the watermark's size");
        data.Required = true;
        var message = new Option<string?>("--message") { Description = "The message, 8 hexadecimal digits. Default: drawn.", HelpName = "hex" };
        var bad = CommonOptions.OnBadImage();
        var runOptions = new RunOptionSet(random: false);
        var command = new Command("mark", MarkDescription) { model, data, message, bad };
        runOptions.AddTo(command);
        command.SetAction(parsed =>
        {
            var run = runOptions.Read(parsed);
            WatermarkMessage? given = parsed.GetValue(message) is { } text ? WatermarkMessage.Parse(text) : null;
            using var session = new RunSession("watermark mark", run);
            using var watermark = WatermarkModel.Load(parsed.GetValue(model)!, session.Device);
            var set = DataArgument.Parse(parsed.GetValue(data)!).Load(watermark.Config.Size, onBadImage: parsed.GetValue(bad));
            foreach (var skipped in set.Skipped) Console.Error.WriteLine($"cudattr: left out {skipped.File}: {skipped.Reason}");
            var owner = given ?? Earlier(session.Folder) ?? new WatermarkMessage(BitConverter.ToUInt32(RandomNumberGenerator.GetBytes(sizeof(uint))));
            var record = new MarkRecord(MarkRecord.CurrentSchema, watermark.WeightsHash(), set.Hash, owner.ToString());
            session.Input("watermark", record.Model);
            session.Input("data", set.Hash);
            string pictures = session.Folder.Path(MarkRecord.Pictures);
            using (Claim.Take(session.Folder, MarkRecord.FileName, record, "marked pictures"))
            using (var line = new ProgressLine("marking"))
            {
                if (!Directory.Exists(pictures)) MarkRecord.Write(watermark, set, owner, pictures, done => line.Report(done, set.Count));
            }
            session.Finish();
            if (run.Json) Shell.WriteJson(new { pictures, count = set.Count, message = record.Message });
            else Console.WriteLine($"{set.Count} pictures marked with {record.Message} in {pictures}");
            return Shell.Done;
        });
        return command;
    }

    private static Command CreateRead()
    {
        var model = Model();
        var pictures = new Option<DirectoryInfo>("--pictures")
        {
            Description = "Folder of PNG, JPEG or WebP pictures, those of its sub-folders included.",
            Required = true,
            HelpName = "folder",
        };
        var message = new Option<string>("--message")
        {
            Description = "The owner's message, 8 hexadecimal digits, or the mark.json that has it.",
            Required = true,
            HelpName = "hex|file",
        };
        var threshold = new Option<int>("--threshold")
        {
            Description = "Matching bits of 32 that make a picture marked; 25 has a chance of 1.05e-3 with fair bits.",
            DefaultValueFactory = _ => WatermarkReading.DefaultThreshold,
            HelpName = "n",
        };
        threshold.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out int n) && n is < 0 or > WatermarkConfig.Bits)
                result.AddError($"--threshold {n} is no number of bits: use 0 to {WatermarkConfig.Bits}");
        });
        var runOptions = new RunOptionSet(random: false);
        var command = new Command("read", ReadDescription) { model, pictures, message, threshold };
        runOptions.AddTo(command);
        command.SetAction(parsed =>
        {
            var run = runOptions.Read(parsed);
            var found = PicturesOf.Folder(parsed.GetValue(pictures)!.FullName);
            string owner = parsed.GetValue(message)!;
            var record = File.Exists(owner) ? Record(owner) : null;
            var wanted = WatermarkMessage.Parse(record?.Message ?? owner);
            using var session = new RunSession("watermark read", run);
            using var watermark = WatermarkModel.Load(parsed.GetValue(model)!, session.Device);
            string identity = watermark.WeightsHash();
            if (record is not null && record.Model != identity)
                throw new UserException("the pictures were marked with another watermark model", "Read with the model that marked.", owner) { Setting = "model" };
            session.Input("watermark", identity);
            WatermarkReading reading;
            using (var line = new ProgressLine("reading"))
            {
                reading = WatermarkReading.Of(watermark, wanted, found, parsed.GetValue(threshold), done => line.Report(done, found.Count));
            }
            session.Folder.WriteJson(WatermarkReading.FileName, reading);
            session.Finish();
            if (run.Json) Shell.WriteJson(reading);
            else Print(reading);
            return Shell.Done;
        });
        return command;
    }

    private static Option<string> Model() => new("--model") { Description = "Folder of the watermark model.", Required = true, HelpName = "folder" };

    /// <summary>The message that a run which was cut off drew.</summary>
    private static WatermarkMessage? Earlier(RunFolder folder) =>
        folder.Has(MarkRecord.FileName) ? WatermarkMessage.Parse(Record(folder.Path(MarkRecord.FileName)).Message) : null;

    private static MarkRecord Record(string file)
    {
        var record = Json.Read<MarkRecord>(file, "record of a mark");
        Json.CheckSchema(record.Schema, MarkRecord.CurrentSchema, file);
        return record;
    }

    private static void Print(WatermarkReading r)
    {
        static string P(double value, double log10) => value > 1e-300 ? FormattableString.Invariant($"{value:0.0e+0}") : FormattableString.Invariant($"1e{log10:0}");
        static string Number(double value) => FormattableString.Invariant($"{value:0.000}");
        var table = new Table().Border(TableBorder.Simple).AddColumns("what", "value");
        table.AddRow("pictures", $"{r.Pictures}");
        table.AddRow($"marked ({r.Threshold} of 32 bits)", FormattableString.Invariant($"{r.Marked}, {r.Pictures * r.ChanceOfMarked:0.00} expected of fair bits"));
        table.AddRow("conf_B1", $"{Number(r.ConfB1)}, 95 % {Number(r.Interval.Low)} to {Number(r.Interval.High)}");
        table.AddRow("bit accuracy", Number(r.BitAccuracy));
        table.AddRow("p, exact over all messages", P(r.KeyP, r.KeyLog10P));
        table.AddRow("p, binomial (a model)", P(r.BinomialP, r.BinomialLog10P));
        AnsiConsole.Write(table);
    }
}
