using System.Diagnostics;
using System.Text.Json.Nodes;
using CudaAttribution.Driver;
using CudaAttribution.Driver.Cuda;
using CudaAttribution.GpuQueue.Queue;
using CudaAttribution.GpuQueue.Running;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tensors.Verification;

namespace CudaAttribution.GpuQueue.Steps;

/// <summary>What the device is, how long it takes to load the kernels, what it can do at most, and what a launch and a copy cost.</summary>
internal sealed class FactsStep : IStep
{
    public int Run(StepContext context)
    {
        Command("nvidia-smi", "-q", "-d", "CLOCK,PERFORMANCE,POWER,TEMPERATURE,ECC");
        long begin = Stopwatch.GetTimestamp();
        using var device = context.Open();
        double open = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        var facts = QueueJson.Object(device.Driver.Info);
        facts.Insert(0, "what", "device");
        facts["image"] = device.Driver.Kernels.Image;
        facts["kernels_sha256"] = device.Driver.Kernels.Hash;
        facts["free_bytes"] = device.Driver.FreeMemory();
        facts["open_s"] = Math.Round(open, 3);
        facts["system"] = Environment.OSVersion.VersionString;
        facts["processors"] = Environment.ProcessorCount;
        StepContext.Emit(facts);
        Kernels(device);
        if (device.Driver is CudaDevice gpu) PtxLoad(gpu);
        var roofline = QueueJson.Object(Roofline.Measure(device));
        roofline.Insert(0, "what", "ceilings");
        StepContext.Emit(roofline);
        Launches(device, context.Reduced ? 50 : 2000);
        Copies(device, context.Reduced ? 1L << 22 : 1L << 30);
        return StepCode.Done;
    }

    /// <summary>What the driver says of each compiled kernel; local memory in one means spilled registers.</summary>
    private static void Kernels(ComputeDevice device)
    {
        var kernels = device.Driver.Kernels.KernelNames.Select(device.Driver.Kernels.GetKernel).ToArray();
        StepContext.Emit(new JsonObject
        {
            ["what"] = "compiled kernels", ["count"] = kernels.Length, ["binary_version"] = kernels[0].Attributes.BinaryVersion,
            ["with_local_memory"] = Names(kernels.Where(k => k.Attributes.LocalBytes > 0)),
            ["registers"] = new JsonObject(kernels.Select(k => KeyValuePair.Create(k.Name, (JsonNode?)k.Attributes.Registers))),
        });

        static JsonArray Names(IEnumerable<IKernel> some) => [.. some.Select(k => (JsonNode?)k.Name)];
    }

    /// <summary>How long the driver takes to compile the PTX, its own cache aside.</summary>
    private static void PtxLoad(CudaDevice gpu)
    {
        // A comment makes the text new to the driver's cache of compiled PTX.
        string ptx = $"{CudaDevice.EmbeddedPtx()}\n// {Guid.NewGuid()}\n";
        long begin = Stopwatch.GetTimestamp();
        gpu.LoadModule(ptx).Dispose();
        StepContext.Emit(new JsonObject { ["what"] = "load of PTX", ["seconds"] = Math.Round(Stopwatch.GetElapsedTime(begin).TotalSeconds, 3) });
    }

    private static void Launches(ComputeDevice device, int count)
    {
        using var arena = new Arena(device);
        var x = arena.Zeros([1]);
        void Issue()
        {
            for (int i = 0; i < count; i++) Elementwise.ScaleInto(x, 1, x);
        }
        Issue();
        device.Synchronize();
        long begin = Stopwatch.GetTimestamp();
        Issue();
        double host = Stopwatch.GetElapsedTime(begin).TotalMicroseconds / count;
        device.Synchronize();
        double issued = Stopwatch.GetElapsedTime(begin).TotalMicroseconds / count;
        using var graph = DeviceGraph.Record(device, Issue);
        var replay = DeviceTimer.Repeat(device, () => graph.Replay(device.Stream), seconds: 0.3, least: 3, most: 50);
        StepContext.Emit(new JsonObject
        {
            ["what"] = "launch of one element", ["launches"] = count, ["host_us"] = host, ["issued_us"] = issued,
            ["graph_node_us"] = 1e3 * replay.MedianMs / count, ["replays"] = replay.Count,
        });
    }

    private static void Copies(ComputeDevice device, long bytes)
    {
        using var arena = new Arena(device);
        var x = arena.New([(int)(bytes / sizeof(float))]);
        var host = new byte[bytes];
        Random.Shared.NextBytes(host.AsSpan(0, 1 << 20));
        double to = Best(() => device.Driver.CopyToDevice(x.Pointer, host, device.Stream));
        double from = Best(() => device.Driver.CopyToHost(host, x.Pointer, device.Stream));
        StepContext.Emit(new JsonObject
        {
            ["what"] = "copies of pageable memory", ["bytes"] = bytes, ["to_device_gb_s"] = bytes / to * 1e-9, ["to_host_gb_s"] = bytes / from * 1e-9,
        });

        double Best(Action copy)
        {
            double best = double.PositiveInfinity;
            for (int i = 0; i < 3; i++)
            {
                long begin = Stopwatch.GetTimestamp();
                copy();
                device.Synchronize();
                best = Math.Min(best, Stopwatch.GetElapsedTime(begin).TotalSeconds);
            }
            return best;
        }
    }

    /// <summary>What a tool of the machine says, into the step's log.</summary>
    private static void Command(params string[] command)
    {
        try
        {
            var end = StepProcess.Run(command, TimeSpan.FromSeconds(10), _ => false, Console.Error);
            if (end.ExitCode != 0) Console.Error.WriteLine($"{command[0]} ended with exit code {end.ExitCode}");
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            Console.Error.WriteLine($"{command[0]} is not here: {e.Message}");
        }
    }
}
