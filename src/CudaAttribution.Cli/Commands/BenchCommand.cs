using System.CommandLine;
using System.Diagnostics;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Models.Benchmark;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Training;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tensors.Verification;
using Spectre.Console;

namespace CudaAttribution.Cli.Commands;

/// <summary><c>cudattr bench</c>: how fast each op, or a step of a model, is, beside the measured ceilings of the device.</summary>
internal static class BenchCommand
{
    private enum TimedPart
    {
        Both,
        Training,
        Sampling,
    }

    private const int ShownKernels = 5;

    private const double Guidance = 2.5;

    private sealed record ModelRun(TimedPart Part, TrainOptions Training, int Pictures, BenchRepeats Repeats);

    public static Command Create()
    {
        var device = CommonOptions.Device();
        var math = CommonOptions.Math();
        var threads = CommonOptions.Threads();
        var ops = new Option<string?>("--op") { Description = "Only ops whose name contains this text, for example conv2d.", HelpName = "text" };
        var all = new Option<bool>("--all") { Description = "Also the small shapes of the audit, not only those of the benchmark." };
        var seconds = new Option<double>("--seconds") { Description = "Time for each case.", DefaultValueFactory = _ => 1.0, HelpName = "s" };
        var verify = new Option<bool>("--verify") { Description = "Audit each op first (as 'cudattr verify') and refuse to time a wrong one." };
        var model = new ModelOptionSet(
            "--model", "Time this model instead: a training step and a guided sampling step, with the share of each kernel family.", required: false);
        var random = new Option<string?>("--random")
        {
            Description = $"Time a UNet with random weights and text embeddings, made on the device, instead: {string.Join(", ", UNetPreset.Names)}, "
                + "or the path of a preset file. Needs no files of a model.",
            HelpName = "name|path",
        };
        var channels = new Option<int?>("--channels")
        {
            Description = "With --random: channels of the finest resolution, the others in proportion, for a rehearsal.",
            HelpName = "n",
        };
        var size = new Option<int?>("--size")
        {
            Description = "With --random: side of what the UNet works on, latents or pixels, for a rehearsal.",
            HelpName = "n",
        };
        var batch = new Option<int>("--batch")
        {
            Description = "With --model or --random: pictures of a training step.",
            DefaultValueFactory = _ => 16,
            HelpName = "n",
        };
        var ema = new Option<double>("--ema")
        {
            Description = "With --model or --random: decay of the running average that a training step keeps; 0 for none.",
            DefaultValueFactory = _ => 0.999,
            HelpName = "x",
        };
        var checkpointActivations = CommonOptions.CheckpointActivations();
        var pictures = new Option<int>("--sample-batch")
        {
            Description = "With --model or --random: pictures sampled together.",
            DefaultValueFactory = _ => 30,
            HelpName = "n",
        };
        var steps = new Option<int>("--steps")
        {
            Description = "With --model or --random: timed steps of each kind.",
            DefaultValueFactory = _ => 30,
            HelpName = "n",
        };
        var warmup = new Option<int>("--warmup")
        {
            Description = "With --model or --random: steps of each kind before the timed ones.",
            DefaultValueFactory = _ => 5,
            HelpName = "n",
        };
        var part = new Option<TimedPart>("--part")
        {
            Description = "With --model or --random: both, training or sampling.",
            DefaultValueFactory = _ => TimedPart.Both,
            HelpName = "name",
        };
        var json = CommonOptions.Json();
        var command = new Command(
            "bench",
            """
            Times the op cases on one device: medians over repeats of the forward and of the backward, GFLOP/s, GB/s and the share of the machine's
            measured FMA peak and copy bandwidth. Inputs are on the device already; nothing is transferred or compiled inside the timed part. Times are
            those of the device's clock around replays of a graph, over as many sets of inputs in turn as exceed twice a GPU's cache.
            With --model or --random times steps of a model instead, between events on the device: as they are issued, and replayed from a graph that
            was recorded once, so that the difference is what launching costs.
            """)
        {
            device, math, threads, ops, all, seconds, verify, random, channels, size, part, batch, ema, checkpointActivations, pictures, steps, warmup, json,
        };
        model.AddTo(command);
        command.SetAction(parsed =>
        {
            string id = parsed.GetValue(device)!, engine = parsed.GetValue(math)!;
            int? hostThreads = parsed.GetValue(threads);
            bool asJson = parsed.GetValue(json);
            var path = model.TryRead(parsed);
            var preset = Preset(parsed.GetValue(random), parsed.GetValue(channels), parsed.GetValue(size));
            if (path is not null && preset is not null) throw new UsageException("--model and --random exclude each other");
            if (path is null && preset is null)
            {
                return Run(
                    id, engine, hostThreads, parsed.GetValue(ops), parsed.GetValue(all), parsed.GetValue(seconds), parsed.GetValue(verify), asJson);
            }
            var run = new ModelRun(
                parsed.GetValue(part),
                new TrainOptions
                {
                    Steps = 1,
                    BatchSize = parsed.GetValue(batch),
                    EmaDecay = parsed.GetValue(ema),
                    ActivationCheckpointing = parsed.GetValue(checkpointActivations),
                },
                parsed.GetValue(pictures),
                new BenchRepeats(parsed.GetValue(steps), parsed.GetValue(warmup)));
            return RunModel(
                id,
                engine,
                hostThreads,
                (on, use) => path is not null ? BenchModel.Load(path, on, use) : BenchModel.Random(preset!, on, use, seed: 1),
                run,
                asJson);
        });
        return command;
    }

    private static int Run(string id, string math, int? threads, string? filter, bool all, double seconds, bool verify, bool json)
    {
        if (!(seconds > 0)) throw new UsageException($"--seconds must be positive, it is {seconds}");
        using var device = ComputeDevice.Open(id, math, threads: threads);
        var cases = OpCatalog.All.Where(c => filter is null || c.Op.Contains(filter, StringComparison.OrdinalIgnoreCase)).ToArray();
        if (cases.Length == 0)
        {
            string known = string.Join(", ", OpCatalog.All.Select(c => c.Op).Distinct());
            throw new UsageException($"no op contains '{filter}': use one of {known}");
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

    private static UNetPreset? Preset(string? name, int? channels, int? size)
    {
        if (name is null)
        {
            return channels is null && size is null
                ? null
                : throw new UsageException("--channels and --size belong to --random, which is not given");
        }
        var preset = UNetPreset.Named(name);
        if (channels is { } c) preset = preset with { UNet = preset.UNet.WithChannels(c) };
        return size is { } s ? preset with { UNet = preset.UNet with { SampleSize = s } } : preset;
    }

    private static int RunModel(
        string id, string math, int? threads, Func<ComputeDevice, ModelUse, BenchModel> open, ModelRun run, bool json)
    {
        if (run.Training.BatchSize < 1 || run.Pictures < 1 || run.Repeats.Steps < 1)
            throw new UsageException("--batch, --sample-batch and --steps must be at least 1");
        if (run.Repeats.Warmup < 0) throw new UsageException($"--warmup must not be negative, it is {run.Repeats.Warmup}");
        using var device = ComputeDevice.Open(id, math, threads: threads);
        ModelTiming? training = null, sampling = null;
        if (run.Part != TimedPart.Sampling)
        {
            using var model = open(device, ModelUse.TrainUNet);
            training = ModelBenchmark.Training(model, run.Training, run.Repeats);
        }
        if (run.Part != TimedPart.Training)
        {
            device.Pool.Trim();
            using var model = open(device, ModelUse.Sampling);
            sampling = ModelBenchmark.Sampling(model, run.Pictures, run.Repeats, Guidance);
        }
        device.Pool.Trim();
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
        Console.WriteLine($"{name}: {t.MedianMs:0.00} ms median, {t.MinMs:0.00} ms fastest, {t.P90Ms:0.00} ms for nine in ten of {t.Count}");
        Console.WriteLine(
            t.ReplayMs is { } replay
                ? $"  replayed from a graph: {replay:0.00} ms median, {t.ReplayMinMs:0.00} ms fastest"
                : $"  not replayed from a graph: {t.ReplayProblem}");
        Console.WriteLine($"  {t.Launches} launches, at most {t.PeakBytes / 1e6:0} MB of device memory");
        Console.WriteLine("  " + string.Join(", ", t.Shares.Select(s => $"{s.Key} {s.Value:P0}")));
        Console.WriteLine("  " + string.Join(", ", t.Kernels.Take(ShownKernels).Select(k => $"{k.Kernel} {k.Ms:0.00} ms in {k.Launches}")));
    }

    private static void PrintDevice(ComputeDevice device, Roofline roofline)
    {
        var info = device.Driver.Info;
        Console.WriteLine($"{info.Id}: {info.Name}, {info.InstructionSet}, {info.Units()}, maths {device.Math.Name}");
        foreach (string standIn in StandIns(device)) Console.WriteLine($"  by kernels, refused by the library: {standIn}");
        string mma = roofline.Bf16Gflops is { } peak ? $", {peak:0} GFLOP/s mma.sync (BF16)" : "";
        Console.WriteLine($"measured ceilings: {roofline.FmaGflops:0} GFLOP/s FMA (F32){mma}, {roofline.CopyGigabytes:0.0} GB/s copy");
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
