using System.Globalization;

namespace CudaAttribution.KernelReport;

/// <summary>What ptxas gave a kernel on one target, and how much of it fits on a multiprocessor: a row of <c>resources.tsv</c>.</summary>
/// <param name="Shared">Static shared memory of a block, bytes.</param>
/// <param name="Stack">Bytes of a thread.</param>
/// <param name="Spilled">Bytes of spill stores and loads.</param>
/// <param name="Blocks">Resident blocks of a multiprocessor.</param>
/// <param name="Warps">Their warps.</param>
/// <param name="WarpLimit">Warps that a multiprocessor can hold.</param>
public sealed record KernelResources(
    string Target, string Kernel, int Threads, int Registers, int Shared, int Stack, int Spilled, int Blocks, int Warps, int WarpLimit)
{
    private const string Header = "target\tkernel\tthreads\tregisters\tshared\tstack\tspilled\tblocks\twarps\twarp_limit";

    /// <summary>Resident warps, percent of what a multiprocessor can hold.</summary>
    public int Occupancy => (int)double.Round(100.0 * Warps / WarpLimit);

    /// <summary>Reads the table that <c>build/check-ptxas.sh --dump</c> writes.</summary>
    /// <exception cref="InvalidDataException">It is not that table.</exception>
    public static IReadOnlyList<KernelResources> Read(string path)
    {
        string[] lines = File.ReadAllLines(path);
        if (lines.Length == 0 || lines[0] != Header) throw new InvalidDataException($"{path}:1: the columns must be: {Header.Replace('\t', ' ')}");
        return [.. lines.Skip(1).Select((line, index) => Row(line, $"{path}:{index + 2}"))];
    }

    private static KernelResources Row(string line, string where)
    {
        string[] cells = line.Split('\t');
        var numbers = new int[8];
        bool whole = cells.Length == 10;
        for (int i = 0; whole && i < numbers.Length; i++) whole = int.TryParse(cells[i + 2], NumberStyles.None, CultureInfo.InvariantCulture, out numbers[i]);
        return whole
            ? new(cells[0], cells[1], numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5], numbers[6], numbers[7])
            : throw new InvalidDataException($"{where}: not two names and eight numbers: {line}");
    }
}
