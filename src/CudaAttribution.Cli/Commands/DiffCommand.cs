using System.CommandLine;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Models.Audit;
using Spectre.Console;

namespace CudaAttribution.Cli.Commands;

/// <summary><c>cudattr diff</c>: where two traces of a network part.</summary>
internal static class DiffCommand
{
    private const string Description =
        """
        Compares two traces of 'cudattr probe --trace' layer by layer, in the order of computation, and names the first layer that drifts: whose
        NMSE, sum of squared differences over the sum of squares of the reference, is above --limit. Layers that only one trace has are left out.
        Exit code 3 if a layer drifts.
        """;

    public static Command Create()
    {
        var traced = new Argument<DirectoryInfo>("trace") { Description = "The trace in question." };
        var reference = new Argument<DirectoryInfo>("reference") { Description = "The trace it is compared with." };
        var limit = new Option<double>("--limit")
        {
            Description = "Largest NMSE of a layer that has not drifted.",
            DefaultValueFactory = _ => 1e-7,
            HelpName = "x",
        };
        var all = new Option<bool>("--all") { Description = "Print every layer, not only the worst ten." };
        var json = CommonOptions.Json();
        var command = new Command("diff", Description) { traced, reference, limit, all, json };
        command.SetAction(parsed =>
        {
            double bound = parsed.GetValue(limit);
            if (!(bound >= 0)) throw new UsageException($"--limit must not be negative, it is {bound}");
            var layers = LayerTrace.Compare(parsed.GetValue(traced)!.FullName, parsed.GetValue(reference)!.FullName).ToArray();
            var first = layers.FirstOrDefault(l => !(l.Nmse <= bound));
            if (parsed.GetValue(json)) Shell.WriteJson(new { limit = bound, compared = layers.Length, first_drift = first?.Layer, layers });
            else Print(layers, first, bound, parsed.GetValue(all));
            return first is null ? Shell.Done : Shell.CheckFailed;
        });
        return command;
    }

    private static void Print(LayerDifference[] layers, LayerDifference? first, double limit, bool all)
    {
        const int Worst = 10;
        var table = new Table().Border(TableBorder.Simple).AddColumns("layer", "NMSE", "largest difference", "");
        foreach (var layer in all ? layers : [.. layers.OrderByDescending(l => l.Nmse).Take(Worst)])
            table.AddRow(Markup.Escape(layer.Layer), layer.Nmse.ToString("0.0e+0"), layer.MaxAbs.ToString("0.0e+0"), layer.Problem ?? "");
        AnsiConsole.Write(table);
        Console.WriteLine(first is null
            ? $"{layers.Length} layers compared, none drifts by more than {limit:0e+0}"
            : $"the first of {layers.Length} layers that drifts is {first.Layer}: NMSE {first.Nmse:0.0e+0}, largest difference {first.MaxAbs:0.0e+0}"
                + (first.Problem is { } problem ? $" ({problem})" : ""));
    }
}
