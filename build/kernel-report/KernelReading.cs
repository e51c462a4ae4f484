using CudaAttribution.KernelReport.Bench;
using CudaAttribution.KernelReport.Sass;

namespace CudaAttribution.KernelReport;

/// <summary>All that is known of one kernel on one target.</summary>
public sealed record KernelReading(KernelResources Resources, MainLoop Main, LoopBound Bound);

/// <summary>The kernels of a module as machine code: what <c>build/check-ptxas.sh --dump FOLDER</c> wrote.</summary>
/// <param name="Tools">The assembler and the compiler, with their versions.</param>
/// <param name="Kernels">By target, then kernel, in ordinal order.</param>
public sealed record ModuleReading(string Tools, IReadOnlyDictionary<string, IReadOnlyDictionary<string, KernelReading>> Kernels)
{
    /// <exception cref="InvalidDataException">A file of the folder is not what it should be, or two disagree on the kernels.</exception>
    public static ModuleReading Of(string folder)
    {
        var resources = KernelResources.Read(Path.Combine(folder, "resources.tsv"));
        Dictionary<string, IReadOnlyDictionary<string, KernelReading>> targets = [];
        foreach (var gpu in Gpu.All)
        {
            string path = Path.Combine(folder, gpu.Target + ".sass");
            var rows = resources.Where(r => r.Target == gpu.Target).ToDictionary(r => r.Kernel);
            SortedDictionary<string, KernelReading> kernels = new(StringComparer.Ordinal);
            foreach (var code in SassFile.Read(path))
            {
                if (!rows.Remove(code.Name, out var row)) throw new InvalidDataException($"{path}: kernel {code.Name} is not in resources.tsv");
                var work = KernelWork.KindOf(code.Name);
                var main = MainLoop.Of(code, integers: work == WorkKind.Integer);
                kernels.Add(code.Name, new KernelReading(row, main, LoopBound.Of(main.Mix, gpu, work)));
            }
            if (rows.Count > 0) throw new InvalidDataException($"{path}: kernel {rows.Keys.First()} of resources.tsv is not in it");
            targets.Add(gpu.Target, kernels);
        }
        return new ModuleReading(File.ReadAllText(Path.Combine(folder, "tools.txt")).Trim(), targets);
    }
}
