using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace CudaAttribution.Driver.Cuda;

/// <summary>What the driver is given as the kernels of a device: a cubin that was assembled for it, or the PTX, which it compiles itself.</summary>
/// <param name="Bytes">PTX text in UTF-8 with a zero at its end, or the bytes of a cubin.</param>
/// <param name="Sha256">SHA-256 of the text or of the cubin.</param>
/// <param name="Description">As in <c>kernels.sm_90.cubin (ptxas 12.4.131)</c>.</param>
/// <param name="Remedy">What to do where the driver refuses it, as the end of a message; empty for PTX.</param>
internal sealed partial record KernelImage(byte[] Bytes, string Sha256, string Description, string Remedy)
{
    /// <summary>Lists the cubins beside it. build/cubins.sh writes it; a build of other PTX empties its list.</summary>
    public const string CubinsFile = "kernels.cubins.json";

    private const int Format = 1;

    /// <summary>PTX for the driver to compile.</summary>
    public static KernelImage OfPtx(string ptx)
    {
        byte[] text = Encoding.UTF8.GetBytes(ptx + '\0');
        return new KernelImage(text, Hash(text.AsSpan(0, text.Length - 1)), "PTX, compiled by the driver", "");
    }

    /// <summary>
    /// The kernels for a device. A cubin runs on devices of its own major capability and an equal or higher minor one, one of a target that ends in
    /// <c>a</c> on exactly its own. The closest is taken; PTX where there is none, or no <see cref="CubinsFile"/>.
    /// </summary>
    /// <param name="ptx">The PTX text of the kernels.</param>
    /// <param name="folder">Where cubins may lie.</param>
    /// <param name="target">The device's, as in <c>sm_90</c>.</param>
    /// <exception cref="NativeLibraryException">
    /// The list of cubins is damaged or of other PTX, or the cubin to take is missing or another one than it says. Never replaced by PTX in silence.
    /// </exception>
    public static KernelImage Choose(string ptx, string folder, string target)
    {
        string list = Path.Combine(folder, CubinsFile);
        var image = OfPtx(ptx);
        if (!File.Exists(list)) return image;
        string remedy = $"build the cubins again (build/cubins.sh) or delete {list}";
        var (assembler, source, cubins) = Read(list, remedy);
        if (source != image.Sha256)
        {
            throw new NativeLibraryException(
                $"{list} belongs to cubins of other kernels (PTX {source}) than those of this program (PTX {image.Sha256}): {remedy}");
        }
        int capability = Number(target);
        var fitting = cubins.Where(c => Fits(c.Target, capability)).OrderBy(c => Number(c.Target)).ThenBy(c => c.Target.Length).ToArray();
        if (fitting.Length == 0) return image;
        var chosen = fitting[^1];
        string path = Path.Combine(folder, chosen.File);
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new NativeLibraryException($"the cubin {path}, which {CubinsFile} names, cannot be read ({e.Message}): {remedy}");
        }
        string hash = Hash(bytes);
        return hash == chosen.Sha256
            ? new KernelImage(bytes, hash, $"{chosen.File} ({assembler})", remedy)
            : throw new NativeLibraryException($"the cubin {path} has SHA-256 {hash}, {CubinsFile} says {chosen.Sha256}: {remedy}");
    }

    private static bool Fits(string target, int capability)
    {
        int number = Number(target);
        return target.EndsWith('a') ? number == capability : number / 10 == capability / 10 && number <= capability;
    }

    private static int Number(string target) => int.Parse(target.AsSpan(3).TrimEnd('a'), NumberStyles.None, CultureInfo.InvariantCulture);

    private static (string Assembler, string PtxSha256, Cubin[] Cubins) Read(string list, string remedy)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(list));
            var root = json.RootElement;
            int format = root.GetProperty("format").GetInt32();
            if (format != Format) throw new FormatException($"format {format}, this program reads {Format}");
            Cubin[] cubins =
            [
                .. root.GetProperty("cubins").EnumerateArray().Select(c => new Cubin(
                    Text(c, "target", TargetPattern()), Text(c, "file", FilePattern()), Text(c, "sha256", HashPattern()))),
            ];
            return (Text(root, "assembler", AnyPattern()), Text(root, "ptx_sha256", HashPattern()), cubins);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or FormatException
            or InvalidOperationException or KeyNotFoundException)
        {
            throw new NativeLibraryException($"{list} cannot be used ({e.Message}): {remedy}");
        }
    }

    private static string Text(JsonElement element, string name, Regex pattern)
    {
        string text = element.GetProperty(name).GetString() ?? "";
        return pattern.IsMatch(text) ? text : throw new FormatException($"{name} is '{text}'");
    }

    private static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    [GeneratedRegex(@"^sm_[1-9][0-9]{1,2}a?\z")]
    private static partial Regex TargetPattern();

    [GeneratedRegex(@"^[\w.-]+\z")]
    private static partial Regex FilePattern();

    [GeneratedRegex(@"^[0-9a-f]{64}\z")]
    private static partial Regex HashPattern();

    [GeneratedRegex(".")]
    private static partial Regex AnyPattern();

    private readonly record struct Cubin(string Target, string File, string Sha256);
}
