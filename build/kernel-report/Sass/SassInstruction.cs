namespace CudaAttribution.KernelReport.Sass;

/// <summary>One machine instruction as nvdisasm prints it.</summary>
/// <param name="Opcode">With its modifiers: <c>LDG.E.128</c>.</param>
/// <param name="Predicated">Whether a predicate stands before it.</param>
/// <param name="Operands">The rest, unread.</param>
public readonly record struct SassInstruction(string Opcode, bool Predicated, string Operands)
{
    /// <summary>The opcode without modifiers.</summary>
    public string Base => Opcode.IndexOf('.', StringComparison.Ordinal) is var dot and >= 0 ? Opcode[..dot] : Opcode;

    /// <summary>The modifiers.</summary>
    public IEnumerable<string> Modifiers => Opcode.Split('.').Skip(1);
}
