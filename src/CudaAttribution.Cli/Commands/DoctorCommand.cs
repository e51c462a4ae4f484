using System.CommandLine;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Driver.Probe;
using CudaAttribution.Tensors.Engines;

namespace CudaAttribution.Cli.Commands;

/// <summary><c>cudattr doctor</c>: what this machine offers and what would be used.</summary>
internal static class DoctorCommand
{
    private const double Gigabyte = 1 << 30;

    public static Command Create()
    {
        var json = CommonOptions.Json();
        var command = new Command(
            "doctor",
            "Shows devices, native and vendor libraries with each path tried, instruction sets, memory, the engines of --math, "
            + "and what '--device auto' would use.")
        { json };
        command.SetAction(parsed =>
        {
            var report = DeviceProbe.Run();
            if (parsed.GetValue(json)) WriteJson(report);
            else Print(report);
            return report.Devices.Any(d => d.Info is not null) ? Shell.Done : Shell.CheckFailed;
        });
        return command;
    }

    private static void WriteJson(DeviceReport report) => Shell.WriteJson(new
    {
        report.Host,
        report.Devices,
        report.Libraries,
        report.Vendor,
        Math = MathLibraries.All,
        Pictures = ImageCodecs.Name,
        report.Auto,
    });

    private static void Print(DeviceReport report)
    {
        var host = report.Host;
        string sets = string.Join(", ", host.InstructionSets);
        Console.WriteLine($"processor  {host.Processor}, {host.Processors} threads, {host.MemoryBytes / Gigabyte:0.0} GB, kernels for {sets}");
        Console.WriteLine($"pictures   {ImageCodecs.Name}");
        Console.WriteLine();
        Console.WriteLine("devices");
        foreach (var device in report.Devices)
        {
            if (device.Info is { } i)
            {
                Console.WriteLine(
                    $"  {i.Id,-8} {i.Name}; {i.InstructionSet}, {i.Units()}, {i.MemoryBytes / Gigabyte:0.0} GB; {i.Binding} {i.DriverVersion}; "
                    + $"kernels: {device.Kernels}");
            }
            else
            {
                Console.WriteLine($"  {device.Id,-8} not usable: {device.Problem}");
                foreach (var attempt in device.Tried) Console.WriteLine($"           tried {attempt}");
            }
        }
        Console.WriteLine();
        Console.WriteLine("native libraries");
        foreach (var library in report.Libraries)
        {
            Console.WriteLine(library.Path is { } path
                ? $"  {library.File}: {library.Description} (interface {library.AbiVersion}), {path}"
                : $"  {library.File}: not found");
            if (library.Path is null)
            {
                foreach (var attempt in library.Tried) Console.WriteLine($"    tried {attempt}");
            }
        }
        Console.WriteLine();
        Console.WriteLine("vendor libraries (optional)");
        foreach (var vendor in report.Vendor)
        {
            string found = vendor.Path ?? $"not found ({vendor.Tried.Count} paths tried; --json lists them)";
            Console.WriteLine($"  {vendor.Name}: {found}");
        }
        Console.WriteLine();
        Console.WriteLine("engines of matrix products and convolutions (--math)");
        foreach (var engine in MathLibraries.All)
        {
            Console.WriteLine($"  {engine.Name,-12} {string.Join(", ", engine.Devices),-17} {engine.Precision}; {engine.Description}");
        }
        Console.WriteLine();
        Console.WriteLine($"--device auto uses {report.Auto.Id}: {report.Auto.Reason}");
    }
}
