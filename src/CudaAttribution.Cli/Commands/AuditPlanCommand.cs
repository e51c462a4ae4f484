using System.CommandLine;
using System.Globalization;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Experiments.Audits;
using CudaAttribution.Statistics;
using CudaAttribution.Verdicts;
using Spectre.Console;

namespace CudaAttribution.Cli.Commands;

/// <summary><c>cudattr audit plan</c>: how many prompts show what.</summary>
internal static class AuditPlanCommand
{
    public static Command Create()
    {
        var alpha = new Option<double>("--alpha")
        {
            Description = "Level of the test.", DefaultValueFactory = _ => new AuditOptions { Source = new(""), Suspects = [] }.Alpha, HelpName = "x",
        };
        var command = new Command(
            "plan",
            "What an audit can see: the smallest share of tested pictures whose trace it finds with power 0.9, by prompts (queries) and fresh pictures. A trace "
            + "is that the served picture is nearest of all; the other ranks are taken to be as by chance.")
        { alpha };
        command.SetAction(parsed =>
        {
            double level = parsed.GetValue(alpha);
            if (level is not (> 0 and < 1)) throw new UsageException($"--alpha must be between 0 and 1, it is {level}");
            int[] freshes = [4, 9, 19, 39];
            var table = new Table().Border(TableBorder.Simple).AddColumn("prompts");
            foreach (int k in freshes) table.AddColumn($"{k} fresh");
            foreach (int n in new[] { 5, 10, 20, 50, 100, 200, 300 })
                table.AddRow([$"{n}", .. freshes.Select(k => new RankPower(k + 1, n, level).SmallestShare(AuditJudge.Power) is { } f ? Share(f) : "-")]);
            AnsiConsole.Write(table);
            return Shell.Done;
        });
        return command;
    }

    private static string Share(double share) => (100 * share).ToString("0.#", CultureInfo.InvariantCulture) + " %";
}
