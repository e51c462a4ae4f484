namespace CudaAttribution.KernelReport.Sass;

/// <summary>The machine code of one kernel, with the subroutines that ptxas appended to it.</summary>
/// <param name="Name">Its entry name.</param>
/// <param name="Instructions">In the order of their addresses; the entry is the first.</param>
/// <param name="Labels">The instruction each label stands before; one past the last for a label at the end.</param>
public sealed record SassKernel(string Name, IReadOnlyList<SassInstruction> Instructions, IReadOnlyDictionary<string, int> Labels);
