using System.Globalization;
using CudaAttribution.KernelReport.Sass;

namespace CudaAttribution.KernelReport.Page;

/// <summary>What is compared of a kernel on one target.</summary>
/// <param name="Occupancy">Resident warps, percent.</param>
/// <param name="Cycles">Bound of the main loop for an iteration of a warp.</param>
/// <param name="Unit">What the loop is measured against.</param>
/// <param name="Reach">Percent of it.</param>
public sealed record KernelFigures(int Spilled, int Occupancy, double Cycles, string Unit, double Reach);

/// <summary>The table of kernels: one row each, a cell "a / b" where sm_80 and sm_90 differ.</summary>
public static class KernelTable
{
    public const string Heading = "## Kernels";

    private const string Separator = " / ";

    private static readonly (string Name, Func<KernelReading, string> Of)[] Columns =
    [
        ("threads", k => Number(k.Resources.Threads)),
        ("regs", k => Number(k.Resources.Registers)),
        ("shared", k => Number(k.Resources.Shared)),
        ("stack", k => Number(k.Resources.Stack)),
        ("spilled", k => Number(k.Resources.Spilled)),
        ("blocks", k => Number(k.Resources.Blocks)),
        ("warps %", k => Number(k.Resources.Occupancy)),
        ("loop", k => k.Main.IsLoop ? "yes" : "no"),
        ("instr", k => Number(k.Main.Mix.Total)),
        ("FFMA", k => Number(k.Main.Mix.Ffma)),
        ("FP32", k => Number(k.Main.Mix.OtherFp32)),
        ("HMMA", k => Number(k.Main.Mix.Hmma + k.Main.Mix.Hgmma)),
        ("IMAD", k => Number(k.Main.Mix.Imad)),
        ("IDP", k => Number(k.Main.Mix.Idp)),
        ("ALU", k => Number(k.Main.Mix.AluCount)),
        ("MUFU", k => Number(k.Main.Mix.SpecialCount)),
        ("LDS", k => Widths(k.Main.Mix.SharedLoads)),
        ("STS", k => Widths(k.Main.Mix.SharedStores)),
        ("LDSM", k => Number(k.Main.Mix.Ldsm)),
        ("LDG", k => Widths(k.Main.Mix.GlobalLoads)),
        ("STG", k => Widths(k.Main.Mix.GlobalStores)),
        ("global B", k => Number(32 * k.Main.Mix.GlobalBytes)),
        ("BAR", k => Number(k.Main.Mix.Barriers)),
        ("rest", k => Number(Rest(k.Main.Mix))),
        ("cycles", k => Number(k.Bound.Cycles)),
        ("limit", k => k.Bound.Limit),
        ("for", k => k.Bound.Unit),
        ("reach %", k => Number(double.Round(100 * k.Bound.Reach))),
    ];

    public static MarkdownTable Of(ModuleReading module)
    {
        var (first, second) = (module.Kernels[Gpu.All[0].Target], module.Kernels[Gpu.All[1].Target]);
        if (!first.Keys.SequenceEqual(second.Keys)) throw new InvalidDataException($"{Gpu.All[0].Target} and {Gpu.All[1].Target} have other kernels");
        return new MarkdownTable(["kernel", .. Columns.Select(c => c.Name)], [.. first.Keys.Select(name => Row(name, first[name], second[name]))]);
    }

    /// <summary>Reads the table back: kernel, then a value for each of <see cref="Gpu.All"/>.</summary>
    /// <exception cref="InvalidDataException">A cell is not what it should be.</exception>
    public static IReadOnlyDictionary<string, IReadOnlyList<KernelFigures>> Read(MarkdownTable table)
    {
        Dictionary<string, IReadOnlyList<KernelFigures>> kernels = new(StringComparer.Ordinal);
        foreach (var row in table.Rows)
        {
            var figures = Enumerable.Range(0, Gpu.All.Count).Select(target => new KernelFigures(
                (int)Value("spilled", target), (int)Value("warps %", target), Value("cycles", target), Part("for", target), Value("reach %", target))).ToArray();
            if (!kernels.TryAdd(row[0], figures)) throw new InvalidDataException($"kernel {row[0]} stands twice in the table");

            string Part(string column, int target)
            {
                string[] parts = table.Cell(row, column).Split(Separator);
                return parts.Length is 1 or 2 ? parts[int.Min(target, parts.Length - 1)] : throw new InvalidDataException($"kernel {row[0]}: {column}: '{table.Cell(row, column)}'");
            }

            double Value(string column, int target) => double.TryParse(Part(column, target), CultureInfo.InvariantCulture, out double value)
                ? value
                : throw new InvalidDataException($"kernel {row[0]}: {column} is no number: '{table.Cell(row, column)}'");
        }
        return kernels;
    }

    /// <summary>The same of a reading, as it reads on the page.</summary>
    public static KernelFigures FiguresOf(KernelReading k) => new(
        k.Resources.Spilled, k.Resources.Occupancy, k.Bound.Cycles, k.Bound.Unit, double.Round(100 * k.Bound.Reach));

    private static IReadOnlyList<string> Row(string name, KernelReading first, KernelReading second) =>
    [
        name,
        .. Columns.Select(c => (c.Of(first), c.Of(second)) is var (a, b) && a == b ? a : $"{a}{Separator}{b}"),
    ];

    private static int Rest(InstructionMix m) => m.FreeCount + m.Shuffles + m.Atomics + m.Local + m.Unknown.Values.Sum();

    private static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    private static string Widths(IReadOnlyDictionary<int, int> accesses) =>
        accesses.Count == 0 ? "0" : string.Join(' ', accesses.Select(a => $"{Number(a.Value)}x{Number(a.Key)}"));
}
