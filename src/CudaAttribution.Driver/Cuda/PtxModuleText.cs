using System.Globalization;
using System.Text.RegularExpressions;

namespace CudaAttribution.Driver.Cuda;

/// <summary>What the text of a PTX module declares of a kernel.</summary>
/// <param name="Name">Entry name.</param>
/// <param name="ParameterBytes">Size of the parameter space.</param>
/// <param name="MaxThreads">Launch bound (<c>.maxntid</c> or <c>.reqntid</c>, all dimensions multiplied); 0 where none is declared.</param>
/// <param name="DynamicSharedBytes">Dynamic shared memory of a block, which <c>KERNEL_SHARED</c> leaves as a constant of the module.</param>
public sealed record PtxEntry(string Name, int ParameterBytes, int MaxThreads, int DynamicSharedBytes = 0);

/// <summary>Reads the entry signatures out of PTX text: the driver tells neither their names nor their parameter sizes.</summary>
public static partial class PtxModuleText
{
    /// <summary>Every entry of the module, in ordinal order of names.</summary>
    public static IReadOnlyList<PtxEntry> Entries(string ptx)
    {
        var entries = new List<PtxEntry>();
        var shared = SharedPattern().Matches(ptx).ToDictionary(
            m => m.Groups["name"].Value, m => int.Parse(m.Groups["bytes"].Value, CultureInfo.InvariantCulture));
        foreach (Match match in EntryPattern().Matches(ptx))
        {
            int bytes = 0;
            foreach (Match parameter in ParameterPattern().Matches(match.Groups["params"].Value))
            {
                int element = int.Parse(parameter.Groups["bits"].Value, CultureInfo.InvariantCulture) / 8;
                int count = parameter.Groups["count"].Success ? int.Parse(parameter.Groups["count"].Value, CultureInfo.InvariantCulture) : 1;
                int align = parameter.Groups["align"].Success ? int.Parse(parameter.Groups["align"].Value, CultureInfo.InvariantCulture) : element;
                bytes = (bytes + align - 1) / align * align + element * count;
            }
            int threads = 0;
            if (BoundPattern().Match(match.Groups["directives"].Value) is { Success: true } bound)
            {
                threads = 1;
                foreach (string dimension in bound.Groups["dims"].Value.Split(','))
                {
                    threads *= int.Parse(dimension, CultureInfo.InvariantCulture);
                }
            }
            string name = match.Groups["name"].Value;
            entries.Add(new PtxEntry(name, bytes, threads, shared.GetValueOrDefault(name)));
        }
        entries.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        return entries;
    }

    [GeneratedRegex(@"\.entry\s+(?<name>[\w$]+)\s*(\((?<params>[^)]*)\))?(?<directives>[^{]*)\{")]
    private static partial Regex EntryPattern();

    [GeneratedRegex(@"\.param\s+(\.align\s+(?<align>\d+)\s+)?\.[busf](?<bits>\d+)\s+[\w$]+(\[(?<count>\d+)\])?")]
    private static partial Regex ParameterPattern();

    [GeneratedRegex(@"\.const\s+\.align\s+4\s+\.[bsu]32\s+(?<name>[\w$]+)_dynamic_shared\s*=\s*(?<bytes>\d+)\s*;")]
    private static partial Regex SharedPattern();

    [GeneratedRegex(@"\.(maxntid|reqntid)\s+(?<dims>[\d, ]+)")]
    private static partial Regex BoundPattern();
}
