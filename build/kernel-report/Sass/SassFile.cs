using System.Text.RegularExpressions;

namespace CudaAttribution.KernelReport.Sass;

/// <summary>Reads the text of <c>nvdisasm -c</c>: sections <c>.text.KERNEL</c> of labels and instructions; everything else in it is left alone.</summary>
public static partial class SassFile
{
    /// <summary>The kernels of a file, in its order.</summary>
    /// <exception cref="InvalidDataException">It is not such text; the message names the line.</exception>
    public static IReadOnlyList<SassKernel> Read(string path) => Parse(File.ReadAllText(path), path);

    /// <inheritdoc cref="Read"/>
    public static IReadOnlyList<SassKernel> Parse(string text, string source)
    {
        List<SassKernel> kernels = [];
        List<SassInstruction> instructions = [];
        Dictionary<string, int> labels = [];
        string? kernel = null;
        int number = 0;
        foreach (string line in text.Split('\n'))
        {
            number++;
            if (Section().Match(line) is { Success: true } section)
            {
                Finish();
                kernel = section.Groups["kernel"] is { Success: true } name ? name.Value : null;
            }
            else if (kernel is not null && Address().IsMatch(line))
            {
                var found = Instruction().Match(line);
                if (!found.Success) throw new InvalidDataException($"{source}:{number}: not an instruction of nvdisasm: {line.Trim()}");
                instructions.Add(new(found.Groups["opcode"].Value, found.Groups["predicate"].Success, found.Groups["operands"].Value));
            }
            else if (kernel is not null && Label().Match(line) is { Success: true } label && !labels.TryAdd(label.Groups["name"].Value, instructions.Count))
            {
                throw new InvalidDataException($"{source}:{number}: label {label.Groups["name"].Value} stands twice in kernel {kernel}");
            }
        }
        Finish();
        return kernels.Count > 0 ? kernels : throw new InvalidDataException($"{source}: no section .text.KERNEL in it, so it is not the text of nvdisasm -c");

        void Finish()
        {
            if (kernel is null) return;
            if (instructions.Count == 0) throw new InvalidDataException($"{source}:{number}: kernel {kernel} has no instructions");
            kernels.Add(new SassKernel(kernel, [.. instructions], new Dictionary<string, int>(labels)));
            instructions.Clear();
            labels.Clear();
        }
    }

    [GeneratedRegex(@"^\s*\.section\s+(\.text\.(?<kernel>[\w$]+)|\S+)")]
    private static partial Regex Section();

    [GeneratedRegex(@"^\s+/\*[0-9a-f]{4,}\*/")]
    private static partial Regex Address();

    [GeneratedRegex(@"^\s+/\*[0-9a-f]{4,}\*/\s+(?<predicate>@!?U?P[0-9T]+\s+)?(?<opcode>[A-Z][A-Za-z0-9_.]*)\s*(?<operands>[^;]*?)\s*;")]
    private static partial Regex Instruction();

    [GeneratedRegex(@"^(?<name>[.$\w]+):\s*$")]
    private static partial Regex Label();
}
