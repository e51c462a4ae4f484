using System.Security.Cryptography;
using CudaAttribution.Driver.Cuda;

namespace CudaAttribution.GpuQueue.Queue;

/// <summary>This program as a command, for the processes it starts.</summary>
internal static class SelfCommand
{
    /// <summary>The command line that runs this program with <paramref name="arguments"/>.</summary>
    public static IEnumerable<string> Of(params string[] arguments) => [.. Self, .. arguments];

    /// <summary>SHA-256 over the program and its kernels: equal where results can be put together.</summary>
    public static string ProgramHash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string file in Directory.EnumerateFiles(AppContext.BaseDirectory, "*.dll").Where(Ours).Order(StringComparer.Ordinal))
        {
            hash.AppendData(File.ReadAllBytes(file));
        }
        hash.AppendData(System.Text.Encoding.UTF8.GetBytes(CudaDevice.EmbeddedPtx()));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static string[] Self { get; } = [Environment.ProcessPath!, Path.Combine(AppContext.BaseDirectory, "gpu-queue.dll")];

    private static bool Ours(string file) =>
        Path.GetFileName(file).StartsWith("CudaAttribution", StringComparison.Ordinal) || Path.GetFileName(file) == "gpu-queue.dll";
}
