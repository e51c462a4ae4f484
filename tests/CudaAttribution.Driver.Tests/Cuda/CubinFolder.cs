using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace CudaAttribution.Driver.Tests.Cuda;

/// <summary>Writes a folder of cubins as the fake driver takes them, with their list.</summary>
internal static class CubinFolder
{
    public const string Assembler = "ptxas 12.4.131";

    /// <returns>Path of the list.</returns>
    public static string Write(string folder, string ptx, params string[] targets)
    {
        var cubins = targets.Select(target =>
        {
            string file = $"kernels.{target}.cubin";
            byte[] bytes = Encoding.UTF8.GetBytes($"FAKE CUBIN {target[3..]}\n{ptx}\0");
            File.WriteAllBytes(Path.Combine(folder, file), bytes);
            return new { target, file, sha256 = Hash(bytes) };
        });
        string list = Path.Combine(folder, "kernels.cubins.json");
        File.WriteAllText(
            list, JsonSerializer.Serialize(new { format = 1, ptx_sha256 = Hash(Encoding.UTF8.GetBytes(ptx)), assembler = Assembler, cubins }));
        return list;
    }

    private static string Hash(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
