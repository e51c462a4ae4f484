using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace CudaAttribution.Driver.Host;

/// <summary>What this machine's processor is and which build of the kernels suits it.</summary>
internal static class HostProcessor
{
    public const string IsaVariable = "CUDATTR_ISA";
    public const string ThreadsVariable = "CUDATTR_THREADS";

    public const int MaxThreads = 1024;

    public static bool HasAvx2 => Avx2.IsSupported && Fma.IsSupported && Bmi2.IsSupported;

    public static bool HasAvx512 =>
        HasAvx2 && Avx512F.VL.IsSupported && Avx512BW.VL.IsSupported && Avx512DQ.VL.IsSupported && Avx512CD.VL.IsSupported;

    /// <summary>Those of <c>avx2</c> and <c>avx512</c> that this processor can run.</summary>
    public static IReadOnlyList<string> InstructionSets() => HasAvx512 ? ["avx2", "avx512"] : HasAvx2 ? ["avx2"] : [];

    /// <summary>
    /// <c>avx512</c> or <c>avx2</c>: the best this processor can run, or what <c>CUDATTR_ISA</c> names.
    /// </summary>
    /// <exception cref="DeviceUnavailableException">The processor lacks AVX2/FMA, or cannot run what the variable names.</exception>
    public static string ChooseIsa()
    {
        if (!HasAvx2)
        {
            throw Unavailable(
                "this processor lacks AVX2, FMA or BMI2, which the kernels are built for; use a processor of 2013 or later (x86-64-v3)");
        }
        string? forced = Environment.GetEnvironmentVariable(IsaVariable);
        return forced switch
        {
            null or "" => HasAvx512 ? "avx512" : "avx2",
            "avx2" => "avx2",
            "avx512" when HasAvx512 => "avx512",
            "avx512" => throw Unavailable(
                $"{IsaVariable}=avx512, but this processor ({ModelName()}) has no AVX-512 (F, CD, BW, DQ, VL); unset it or use avx2"),
            _ => throw Unavailable($"{IsaVariable}={forced} is unknown; use avx2 or avx512"),
        };
    }

    /// <summary>Threads of a launch: what is asked, or else <c>CUDATTR_THREADS</c>, or else 0: one for each processor this process may use.</summary>
    /// <exception cref="DeviceUnavailableException">So many cannot be asked, or the variable is no such number.</exception>
    public static int ChooseThreads(int? asked)
    {
        if (asked is { } count)
        {
            return count is >= 1 and <= MaxThreads
                ? count
                : throw Unavailable($"{count} threads: use 1 to {MaxThreads}");
        }
        string? text = Environment.GetEnvironmentVariable(ThreadsVariable);
        if (string.IsNullOrEmpty(text))
        {
            return 0;
        }
        return int.TryParse(text, out int threads) && threads is >= 1 and <= MaxThreads
            ? threads
            : throw Unavailable($"{ThreadsVariable}={text} is not a number from 1 to {MaxThreads}");
    }

    /// <summary>The processor's product name, as the operating system gives it.</summary>
    public static string ModelName()
    {
        const string CpuInfo = "/proc/cpuinfo";
        if (File.Exists(CpuInfo))
        {
            foreach (string line in File.ReadLines(CpuInfo))
            {
                if (line.StartsWith("model name", StringComparison.Ordinal))
                {
                    return line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
                }
            }
        }
        return Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") ?? RuntimeInformation.ProcessArchitecture.ToString();
    }

    /// <summary>Memory this process may use: the machine's, or the container's limit where that is lower.</summary>
    public static long MemoryBytes() => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <summary>
    /// Memory that could be taken without swapping, as Linux estimates it (<c>MemAvailable</c>); <see cref="MemoryBytes"/> where the system does
    /// not say.
    /// </summary>
    public static long AvailableMemory()
    {
        const string MemInfo = "/proc/meminfo", Key = "MemAvailable:", Unit = "kB";
        if (File.Exists(MemInfo))
        {
            foreach (string line in File.ReadLines(MemInfo))
            {
                if (line.StartsWith(Key, StringComparison.Ordinal) && line.EndsWith(Unit, StringComparison.Ordinal)
                    && long.TryParse(line.AsSpan(Key.Length..^Unit.Length), CultureInfo.InvariantCulture, out long kilobytes))
                {
                    return kilobytes * 1024;
                }
            }
        }
        return MemoryBytes();
    }

    private static DeviceUnavailableException Unavailable(string message) =>
        new(DeviceStatus.NotSupported, DeviceErrors.CodeName(DeviceStatus.NotSupported), message);
}
