using System.CommandLine;
using System.Diagnostics;
using CudaAttribution.Models;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Verification;
using Spectre.Console;

namespace CudaAttribution.Cli.Commands;

/// <summary><c>cudattr bench</c>: how fast each op is, beside the measured ceilings of the device.</summary>
internal static class BenchCommand
{
    private enum TimedPart
    {
        Both,
        Training,
        Sampling,
    }

    private sealed record ModelRun(TimedPart Part, TrainOptions Training, int Pictures, int Steps, int Warmup);

    public static Command Create()
    {
        var device = CommonOptions.Device();
        var math = CommonOptions.Math();
        var ops = new Option<string?>("--op") { Description = "Only ops whose name contains this text, for example conv2d.", HelpName = "text" };
        var all = new Option<bool>("--all") { Description = "Also the small shapes of the audit, not only those of the benchmark." };
        var seconds = new Option<double>("--seconds") { Description = "Time for each case.", DefaultValueFactory = _ => 1.0, HelpName = "s" };
        var verify = new Option<bool>("--verify") { Description = "Audit each op first (as 'cudattr verify') and refuse to time a wrong one." };
        var model = new ModelOptionSet(
            "--model", "Time this model instead: a training step and a guided sampling step, with the share of each kernel family.", required: false);
        var batch = new Option<int>("--batch")
        {
            Description = "With --model: pictures of a training step.",
            DefaultValueFactory = _ => 16,
            HelpName = "n",
        };
        var ema = new Option<double>("--ema")
        {
            Description = "With --model: decay of the running average that a training step keeps; 0 for none.",
            DefaultValueFactory = _ => 0.999,
            HelpName = "x",
        };
        var checkpointActivations = CommonOptions.CheckpointActivations();
        var pictures = new Option<int>("--sample-batch")
        {
            Description = "With --model: pictures sampled together.",
            DefaultValueFactory = _ => 30,
            HelpName = "n",
        };
        var steps = new Option<int>("--steps")
        {
            Description = "With --model: timed steps of each kind.",
            DefaultValueFactory = _ => 30,
            HelpName = "n",
        };
        var warmup = new Option<int>("--warmup")
        {
            Description = "With --model: steps of each kind before the timed ones.",
            DefaultValueFactory = _ => 5,
            HelpName = "n",
        };
        var part = new Option<TimedPart>("--part")
        {
            Description = "With --model: both, training or sampling.",
            DefaultValueFactory = _ => TimedPart.Both,
            HelpName = "name",
        };
        var json = CommonOptions.Json();
        var command = new Command(
            "bench",
            """
            Times the op cases on one device: medians over repeats of the forward and of the backward, GFLOP/s, GB/s and the share of the machine's
            measured FMA peak and copy bandwidth. Inputs are on the device already; nothing is transferred or compiled inside the timed part.
            """)
        { device, math, ops, all, seconds, verify, part, batch, ema, checkpointActivations, pictures, steps, warmup, json };
        model.AddTo(command);
        command.SetAction(parsed =>
        {
            string id = parsed.GetValue(device)!, engine = parsed.GetValue(math)!;
            bool asJson = parsed.GetValue(json);
            return model.TryRead(parsed) is { } path
                ? RunModel(
                    id,
                    engine,
                    path,
                    new ModelRun(
                        parsed.GetValue(part),
                        new TrainOptions
                        {
                            Steps = 1,
                            BatchSize = parsed.GetValue(batch),
                            EmaDecay = parsed.GetValue(ema),
                            ActivationCheckpointing = parsed.GetValue(checkpointActivations),
                        },
                        parsed.GetValue(pictures),
                        parsed.GetValue(steps),
                        parsed.GetValue(warmup)),
                    asJson)
                : Run(id, engine, parsed.GetValue(ops), parsed.GetValue(all), parsed.GetValue(seconds), parsed.GetValue(verify), asJson);
        });
        return command;
    }

    private static int Run(string id, string math, string? filter, bool all, double seconds, bool verify, bool json)
    {
        if (!(seconds > 0)) throw new ArgumentException($"--seconds must be positive, it is {seconds}");
        using var device = ComputeDevice.Open(id, math);
        var cases = OpCatalog.All.Where(c => filter is null || c.Op.Contains(filter, StringComparison.OrdinalIgnoreCase)).ToArray();
        if (cases.Length == 0)
        {
            string known = string.Join(", ", OpCatalog.All.Select(c => c.Op).Distinct());
            throw new ArgumentException($"no op contains '{filter}': use one of {known}");
        }
        if (verify)
        {
            var wrong = cases.Where(c => !c.BenchOnly).SelectMany(c => OpChecks.All(device, c)).FirstOrDefault(r => !r.Passed);
            if (wrong is not null)
            {
                Console.Error.WriteLine($"cudattr: not timed, because it is wrong: {wrong}");
                return Shell.CheckFailed;
            }
        }
        var roofline = Roofline.Measure(device);
        var timings = new List<OpTiming>();
        Shell.Messages.Progress().AutoClear(true).Start(context =>
        {
            var timed = cases.Where(c => all || c.BenchOnly).ToArray();
            var task = context.AddTask($"timing on {id}", maxValue: timed.Length);
            foreach (var op in timed)
            {
                timings.Add(OpBenchmark.Run(device, op, seconds));
                task.Increment(1);
            }
        });
        if (json) Shell.WriteJson(new { device = device.Driver.Info, math = device.Math.Name, stand_ins = StandIns(device), roofline, timings });
        else Print(device, roofline, timings);
        return Shell.Done;
    }

    private static int RunModel(string id, string math, ModelReference path, ModelRun run, bool json)
    {
        if (run.Training.BatchSize < 1 || run.Pictures < 1 || run.Steps < 1)
            throw new ArgumentException("--batch, --sample-batch and --steps must be at least 1");
        if (run.Warmup < 0) throw new ArgumentException($"--warmup must not be negative, it is {run.Warmup}");
        using var device = ComputeDevice.Open(id, math);
        var training = run.Part == TimedPart.Sampling ? null : ModelBenchmark.TrainingStep(device, path, run.Training, run.Steps, run.Warmup);
        var sampling = run.Part == TimedPart.Training
            ? null
            : ModelBenchmark.SamplingStep(device, path, run.Pictures, run.Steps, run.Warmup, guidance: 2.5);
        double peakMegabytes = Process.GetCurrentProcess().PeakWorkingSet64 / 1048576.0;
        // Last, because its buffers are larger than the model.
        var roofline = Roofline.Measure(device);
        if (json)
        {
            Shell.WriteJson(new
            {
                device = device.Driver.Info,
                math = device.Math.Name,
                stand_ins = StandIns(device),
                roofline,
                batch = run.Training.BatchSize,
                training,
                sample_batch = run.Pictures,
                sampling,
                peak_rss_mb = peakMegabytes,
            });
            return Shell.Done;
        }
        PrintDevice(device, roofline);
        if (training is not null) Print($"training step, batch {run.Training.BatchSize}", training);
        if (sampling is not null) Print($"guided sampling step, {run.Pictures} pictures", sampling);
        Console.WriteLine($"peak resident memory {peakMegabytes:0} MB");
        return Shell.Done;
    }

    private static void Print(string name, ModelTiming t)
    {
        Console.WriteLine($"{name}: {t.MedianMs:0.00} ms median, {t.MinMs:0.00} ms fastest of {t.Count}");
        Console.WriteLine("  " + string.Join(", ", t.Shares.Select(s => $"{s.Key} {s.Value:P0}")));
    }

    private static void PrintDevice(ComputeDevice device, Roofline roofline)
    {
        var info = device.Driver.Info;
        Console.WriteLine($"{info.Id}: {info.Name}, {info.InstructionSet}, {info.Units()}, maths {device.Math.Name}");
        foreach (string standIn in StandIns(device)) Console.WriteLine($"  by kernels, refused by the library: {standIn}");
        Console.WriteLine($"measured ceilings: {roofline.FmaGflops:0} GFLOP/s FMA (F32), {roofline.CopyGigabytes:0.0} GB/s copy");
    }

    private static string[] StandIns(ComputeDevice device) => [.. device.Math.StandIns.Select(s => s.ToString())];

    private static void Print(ComputeDevice device, Roofline roofline, List<OpTiming> timings)
    {
        PrintDevice(device, roofline);
        var table = new Table()
            .Border(TableBorder.Simple)
            .AddColumns("op", "case", "forward ms", "backward ms", "GFLOP/s", "of peak", "GB/s", "of copy");
        foreach (var t in timings)
        {
            table.AddRow(
                t.Op,
                Markup.Escape(t.Case),
                t.Forward.ToString("0.000"),
                t.Backward > 0 ? t.Backward.ToString("0.000") : "-",
                t.ForwardGflops > 0 ? t.ForwardGflops.ToString("0.0") : "-",
                t.ForwardGflops > 0 ? (t.ForwardGflops / roofline.FmaGflops).ToString("P0") : "-",
                t.ForwardGigabytes.ToString("0.0"),
                (t.ForwardGigabytes / roofline.CopyGigabytes).ToString("P0"));
        }
        AnsiConsole.Write(table);
    }
}
