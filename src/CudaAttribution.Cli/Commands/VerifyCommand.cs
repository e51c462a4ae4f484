using System.CommandLine;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Driver;
using CudaAttribution.Driver.Host;
using CudaAttribution.Driver.Probe;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tensors.Verification;
using Spectre.Console;

namespace CudaAttribution.Cli.Commands;

/// <summary><c>cudattr verify</c>: the numerical audit.</summary>
internal static class VerifyCommand
{
    private const string Description =
        """
        Numerical audit: every op case against a float64 reference, forward and backward, on each device. With --math bf16 the reference of products
        and convolutions takes operands rounded to BF16, and a second check compares with what it gives unrounded.
        Checks per case: forward error, gradient against central differences, gradients added where one is held, two runs bit for bit, each row
        alone as in the batch, every attribute has an effect, no write outside a tensor, no element left unwritten (new memory is NaN), and the same bits
        on every device. Exit code 3 if one fails.
        """;

    public static Command Create()
    {
        var devices = new Option<string[]>("--device")
        {
            Description = "Devices to audit, several allowed: cpu, simt, cuda:N, or all (every device that opens here).",
            DefaultValueFactory = _ => ["all"],
            HelpName = "id",
        };
        var math = CommonOptions.Math();
        var threads = CommonOptions.Threads();
        var ops = new Option<string?>("--op") { Description = "Only ops whose name contains this text, for example norm.", HelpName = "text" };
        var json = CommonOptions.Json();
        var command = new Command("verify", Description) { devices, math, threads, ops, json };
        command.SetAction(parsed => Run(
            parsed.GetValue(devices)!, parsed.GetValue(math)!, parsed.GetValue(threads), parsed.GetValue(ops), parsed.GetValue(json)));
        return command;
    }

    private static int Run(string[] ids, string math, int? threads, string? filter, bool json)
    {
        var cases = OpCatalog.All.Where(c => !c.BenchOnly && (filter is null || c.Op.Contains(filter, StringComparison.OrdinalIgnoreCase))).ToArray();
        if (cases.Length == 0)
        {
            string known = string.Join(", ", OpCatalog.All.Select(c => c.Op).Distinct());
            throw new UsageException($"no op contains '{filter}': use one of {known}");
        }
        var results = new List<CheckResult>();
        var standIns = new SortedSet<string>(StringComparer.Ordinal);
        // Only the project's F32 kernels promise the bits of cpu on every device.
        var engine = MathLibraries.Find(math);
        using var reference = engine.Name == MathLibraries.Kernels ? ComputeDevice.Open("cpu", math, guardBands: true, threads) : null;
        string[] audited = [.. Expand(ids, engine)];
        // A GPU refuses a number of threads, unless a host device beside it takes it.
        bool taken = reference is not null || audited.Any(IsHost);
        foreach (string id in audited)
        {
            using var opened = id == "cpu" && reference is not null
                ? null
                : ComputeDevice.Open(id, math, guardBands: true, taken && !IsHost(id) ? null : threads);
            Audit(opened ?? reference!, opened is null ? null : reference, cases, results);
            if (opened is not null) standIns.UnionWith(opened.Math.StandIns.Select(s => $"{opened.Driver.Info.Id} {s}"));
        }
        bool passed = results.TrueForAll(r => r.Passed);
        if (json) Shell.WriteJson(new { passed, checks = results.Count, failed = results.Count(r => !r.Passed), stand_ins = standIns, results });
        else Print(results, standIns);
        return passed ? Shell.Done : Shell.CheckFailed;
    }

    private static bool IsHost(string id) => id is HostDriver.CpuId or HostDriver.SimtId;

    private static IEnumerable<string> Expand(string[] ids, MathEngine engine)
    {
        if (!ids.Contains("all")) return ids;
        var all = new[] { "cpu", "simt" }.Where(engine.RunsOn).ToList();
        if (engine.Name != MathLibraries.Kernels)
        {
            Console.Error.WriteLine($"cudattr: only {string.Join(" and ", engine.Devices)} can be audited: {engine.Name} runs on no other");
        }
        if (!engine.RunsOn("cuda:0")) return all;
        if (all.Count == 0) return ["cuda:0"];
        try
        {
            using var gpu = Devices.Open("cuda:0");
            all.Add("cuda:0");
        }
        catch (DeviceUnavailableException e)
        {
            Console.Error.WriteLine($"cudattr: no GPU is audited: {e.Message}");
        }
        return all;
    }

    private static void Audit(ComputeDevice device, ComputeDevice? reference, OpCase[] cases, List<CheckResult> results)
    {
        Shell.Messages.Progress().AutoClear(true).Start(context =>
        {
            var task = context.AddTask($"auditing {device.Driver.Info.Id} ({device.Math.Name})", maxValue: cases.Length);
            foreach (var op in cases)
            {
                results.AddRange(OpChecks.All(device, op));
                if (reference is not null) results.Add(OpChecks.SameOn(device, reference, op));
                task.Increment(1);
            }
        });
    }

    private static void Print(List<CheckResult> results, IEnumerable<string> standIns)
    {
        var table = new Table()
            .Border(TableBorder.Simple)
            .AddColumns("device", "op", "cases", "checks", "worst forward NMSE", "worst gradient NMSE", "");
        foreach (var group in results.GroupBy(r => (r.Device, r.Op)))
        {
            int failed = group.Count(r => !r.Passed);
            table.AddRow(
                group.Key.Device,
                group.Key.Op,
                group.Select(r => r.Case).Distinct().Count().ToString(),
                group.Count().ToString(),
                Worst(group, "forward"),
                Worst(group, "gradient"),
                failed == 0 ? "[green]ok[/]" : $"[red]{failed} failed[/]");
        }
        AnsiConsole.Write(table);
        foreach (string standIn in standIns) Console.WriteLine($"by kernels, refused by the library: {standIn}");
        foreach (var failure in results.Where(r => !r.Passed)) AnsiConsole.MarkupLineInterpolated($"[red]{failure.ToString()}[/]");
        Console.WriteLine(
            $"{results.Count(r => r.Passed)} of {results.Count} checks passed; ceilings: forward NMSE {Tolerance.ForwardF32:g1}, "
            + $"gradient NMSE {Tolerance.BackwardF32:g1}, against unrounded operands {Tolerance.RoundingBF16:g2}, the rest exact");
    }

    private static string Worst(IEnumerable<CheckResult> results, string check)
    {
        var errors = results.Where(r => r.Check == check).Select(r => r.Error).ToArray();
        return errors.Length == 0 ? "-" : errors.Max().ToString("0.0e+0");
    }
}
