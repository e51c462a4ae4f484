using System.CommandLine;
using CudaAttribution.Chain;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Runs;
using CudaAttribution.Served;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Cli.Commands;

/// <summary><c>cudattr served</c>: logs of what a source has served.</summary>
internal static class ServedCommand
{
    private const string Description =
        """
        Logs of what your model has served: prompts with the pictures that were really returned. With one, a suspect's answers can be ranked against
        pictures that could have been served as well. 'cudattr serve --served-log' writes one; any other service's is a folder with the pictures and either
          served.tsv     a line of column names, then a line a picture, separated by tabs: prompt, picture (its file, from this folder), and where
                         known account, time (2026-11-28T12:00:00Z), seed; \t, \n and \\ stand for a tab, a line break and a backslash
          served.jsonl   the same names in JSON objects, one a line: {"prompt": "a cat", "picture": "0001.png", "seed": 7}
        Log every picture that was returned, also what the user threw away: a log of the ones that were kept is a choice, and shows nothing.
        A column set_by_caller says in words what the caller chose of seed and recipe; such pictures are not tested. docs/evidence.md has all of it.
          cudattr served inspect mylog
          cudattr served commit mylog && cudattr evidence stamp mylog
        """;

    public static Command Create() => new("served", Description) { CreateImport(), CreateInspect(), CreateCommit() };

    private static Argument<string> Log() => new("log") { Description = "Folder of the log, or its .tsv or .jsonl file." };

    private static Command CreateImport()
    {
        var from = new Option<string>("--from") { Description = Log().Description, Required = true, HelpName = "path" };
        var output = new Option<string>("--out") { Description = "Folder to write, which is not there yet.", Required = true, HelpName = "folder" };
        var command = new Command(
            "import",
            "Makes a log of any layout into lines of JSON with the pictures as PNG, named by their pixels, and commits to it. All of it or nothing.")
        { from, output };
        command.SetAction(parsed =>
        {
            string to = Path.GetFullPath(parsed.GetValue(output)!);
            var log = ServedLogReader.Read(parsed.GetValue(from)!);
            var commitment = ServedLogImport.Write(log, to);
            Warn(log);
            var root = ServedLogCommitment.To(log.Pictures);
            Console.WriteLine($"{to}: {root.Pictures} pictures, Merkle root {root.MerkleRoot}, commitment {commitment.Commit}");
            return Shell.Done;
        });
        return command;
    }

    private static Command CreateInspect()
    {
        var path = Log();
        var json = CommonOptions.Json();
        var command = new Command("inspect", "Reads a log and each of its pictures: how many of what, and what there is to know before a test.") { path, json };
        command.SetAction(parsed =>
        {
            var log = ServedLogReader.Read(parsed.GetValue(path)!);
            var inspected = Inspected.Of(log);
            if (parsed.GetValue(json)) Shell.WriteJson(inspected);
            else Print(inspected);
            return Shell.Done;
        });
        return command;
    }

    private static Command CreateCommit()
    {
        var path = Log();
        var output = new Option<DirectoryInfo?>("--out")
        {
            Description = "Folder for the commitment; default the log's. A log that grows needs another one each time.",
            HelpName = "folder",
        };
        var command = new Command(
            "commit",
            $"""
            Writes {ServedLogCommitment.FileName}, the Merkle root over all pictures so far, and {Commitment.FileName}, which 'evidence stamp' has time-stamped:
            later it can be shown that a picture was in the log by then, without showing the others.
            """)
        { path, output };
        command.SetAction(parsed =>
        {
            var log = ServedLogReader.Read(parsed.GetValue(path)!);
            var folder = new RunFolder(parsed.GetValue(output)?.FullName ?? log.Folder);
            var root = ServedLogCommitment.To(log.Pictures);
            var commitment = root.Write(folder);
            Console.WriteLine($"{folder.Root}: {root.Pictures} pictures, Merkle root {root.MerkleRoot}, commitment {commitment.Commit}");
            return Shell.Done;
        });
        return command;
    }

    private static void Warn(ServedLog log)
    {
        foreach (string note in WarningsOf(log)) Console.Error.WriteLine($"warning: {note}");
    }

    private static IEnumerable<string> WarningsOf(ServedLog log)
    {
        string? seeds = null;
        try
        {
            log.CheckSeeds();
        }
        catch (UserException e)
        {
            seeds = e.Problem;
        }
        return seeds is null ? log.Notes : log.Notes.Append(seeds + ": such a log is not tested");
    }

    private static void Print(Inspected log)
    {
        Console.WriteLine($"{log.Folder}: {log.Pictures} pictures for {log.Prompts} different prompts, {log.Testable} of them can be tested");
        Console.WriteLine($"sizes: {string.Join(", ", log.Sizes.Select(s => $"{s.Width} x {s.Height} ({s.Pictures})"))}");
        string accounts = PrintableText.List(log.Accounts.Select(a => $"{a.Name} ({a.Pictures})"));
        Console.WriteLine($"accounts: {(accounts.Length == 0 ? "not known" : accounts)}");
        Console.WriteLine($"times: {(log.First is null ? "not known" : $"{log.First:yyyy-MM-dd HH:mm:ss} to {log.Last:yyyy-MM-dd HH:mm:ss} UTC")}");
        Console.WriteLine($"source: {log.Source ?? "not known"}");
        Console.WriteLine($"Merkle root {log.MerkleRoot}");
        foreach (string warning in log.Warnings) Console.WriteLine($"warning: {warning}");
    }

    /// <summary>What there is to say of a log.</summary>
    private sealed record Inspected(
        string Folder, int Pictures, int Prompts, int Testable, IReadOnlyList<SizeCount> Sizes, IReadOnlyList<AccountCount> Accounts, DateTime? First,
        DateTime? Last, bool SeedsKnown, int DifferentPixels, string? Source, string MerkleRoot, IReadOnlyList<string> Warnings)
    {
        public static Inspected Of(ServedLog log)
        {
            var pictures = log.Pictures;
            return new Inspected(
                log.Folder, pictures.Count, pictures.Select(p => p.Prompt).Distinct().Count(), log.Testable.Count(),
                [.. pictures.Select(log.Read).GroupBy(p => (p.Width, p.Height)).Select(g => new SizeCount(g.Key.Width, g.Key.Height, g.Count()))],
                [.. pictures.Where(p => p.Account is not null).GroupBy(p => p.Account!).Select(g => new AccountCount(g.Key, g.Count()))],
                pictures.Min(p => p.Time), pictures.Max(p => p.Time), log.SeedsKnown, pictures.Select(p => p.PixelHash).Distinct().Count(),
                log.Header?.Source, ServedLogCommitment.To(pictures).MerkleRoot, [.. WarningsOf(log)]);
        }
    }

    private sealed record SizeCount(int Width, int Height, int Pictures);

    private sealed record AccountCount(string Name, int Pictures);
}
