using System.Globalization;

namespace CudaAttribution.KernelReport.Sass;

/// <summary>What a warp issues on one way through a piece of code, by kind.</summary>
public sealed class InstructionMix
{
    private static readonly HashSet<string> Fp32 = ["FADD", "FMUL", "FSWZADD", "HFMA2", "HADD2", "HMUL2"];
    private static readonly HashSet<string> Alu =
    [
        "IADD3", "IADD", "VIADD", "VIADDMNMX", "IABS", "IMNMX", "VIMNMX", "ISETP", "ISCADD", "LEA", "LOP", "LOP3", "PLOP3", "SHF", "SHL", "SHR", "BMSK", "SGXT",
        "SEL", "FSEL", "FSETP", "FSET", "FMNMX", "FCHK", "PRMT", "MOV", "P2R", "R2P", "CS2R", "F2FP", "I2FP", "I2I", "I2IP", "VOTE", "VABSDIFF",
    ];

    private static readonly HashSet<string> Special = ["MUFU", "I2F", "F2I", "F2F", "FRND", "POPC", "FLO", "BREV"];
    private static readonly HashSet<string> Free =
    [
        "BRA", "BSSY", "BSYNC", "BREAK", "EXIT", "RET", "CALL", "NOP", "WARPSYNC", "YIELD", "DEPBAR", "LDGDEPBAR", "LDC", "ULDC", "S2R", "S2UR", "R2UR", "UMOV",
        "UIADD3", "UIMAD", "ULEA", "ULOP3", "UPLOP3", "UISETP", "USEL", "USHF", "USGXT", "UPRMT", "UP2UR", "UR2UP", "UFLO", "UPOPC", "UBMSK", "ERRBAR", "MEMBAR",
        "CCTL", "CCTLL", "NANOSLEEP", "ELECT", "SYNCS", "UTMALDG", "UTMASTG", "WARPGROUP", "LEPC", "KILL",
    ];

    private readonly Dictionary<string, int> _unknown = new(StringComparer.Ordinal);
    private readonly SortedDictionary<int, int> _sharedLoads = [], _sharedStores = [], _globalLoads = [], _globalStores = [];

    /// <summary>All of them.</summary>
    public int Total { get; private set; }

    /// <summary>F32 multiply-adds.</summary>
    public int Ffma { get; private set; }

    /// <summary>Other arithmetic of the F32 pipe.</summary>
    public int OtherFp32 { get; private set; }

    /// <summary>Tensor-core products of a warp (HMMA).</summary>
    public int Hmma { get; private set; }

    /// <summary>Tensor-core products of four warps together (HGMMA, Hopper).</summary>
    public int Hgmma { get; private set; }

    /// <summary>Multiply-adds of the warp's tensor-core products: of an HGMMA its quarter.</summary>
    public double TensorFma { get; private set; }

    /// <summary>The part of <see cref="TensorFma"/> in HGMMA.</summary>
    public double AsyncTensorFma { get; private set; }

    /// <summary>Integer multiply-adds, those that ptxas uses as moves, adds and shifts included.</summary>
    public int Imad { get; private set; }

    /// <summary>Those that multiply two numbers of 32 bits into 32.</summary>
    public int PlainImad { get; private set; }

    /// <summary>Dot products of four bytes.</summary>
    public int Idp { get; private set; }

    /// <summary>Integer, logic, comparison, selection, move.</summary>
    public int AluCount { get; private set; }

    /// <summary>MUFU and conversions.</summary>
    public int SpecialCount { get; private set; }

    /// <summary>Matrices of 8 x 8 from shared memory.</summary>
    public int Ldsm { get; private set; }

    /// <summary>Exchanges between lanes.</summary>
    public int Shuffles { get; private set; }

    public int Barriers { get; private set; }

    public int Atomics { get; private set; }

    /// <summary>Spilled or indexed registers.</summary>
    public int Local { get; private set; }

    /// <summary>Control flow, uniform registers, constants: an issue slot and nothing else.</summary>
    public int FreeCount { get; private set; }

    /// <summary>Opcodes of no kind above, counted as an issue slot.</summary>
    public IReadOnlyDictionary<string, int> Unknown => _unknown;

    /// <summary>Instructions by bytes a lane.</summary>
    public IReadOnlyDictionary<int, int> SharedLoads => _sharedLoads;

    /// <inheritdoc cref="SharedLoads"/>
    public IReadOnlyDictionary<int, int> SharedStores => _sharedStores;

    /// <inheritdoc cref="SharedLoads"/>
    public IReadOnlyDictionary<int, int> GlobalLoads => _globalLoads;

    /// <inheritdoc cref="SharedLoads"/>
    public IReadOnlyDictionary<int, int> GlobalStores => _globalStores;

    /// <summary>Bytes a lane from and to global memory.</summary>
    public int GlobalBytes => Bytes(_globalLoads) + Bytes(_globalStores);

    /// <summary>
    /// Cycles of the port of shared memory and first-level cache: 128 bytes each, at least one an instruction; lanes neither conflict nor share words.
    /// </summary>
    public int Wavefronts { get; private set; }

    /// <summary>Bytes a lane from and to shared memory.</summary>
    public int SharedBytes => Bytes(_sharedLoads) + Bytes(_sharedStores) + _ldsmBytes;

    private int _ldsmBytes;

    public static InstructionMix Of(IEnumerable<SassInstruction> instructions)
    {
        var mix = new InstructionMix();
        foreach (var i in instructions) mix.Add(i);
        return mix;
    }

    private static int Bytes(SortedDictionary<int, int> accesses) => accesses.Sum(a => a.Key * a.Value);

    private void Add(SassInstruction i)
    {
        Total++;
        string name = i.Base;
        switch (name)
        {
            case "FFMA": Ffma++; break;
            case "IMAD":
                Imad++;
                if (i.Opcode == "IMAD") PlainImad++;
                break;
            case "IDP":
                Idp++;
                break;
            case "HMMA":
                Hmma++;
                TensorFma += HmmaSize(i);
                break;
            case "HGMMA":
                Hgmma++;
                TensorFma += HgmmaSize(i) / 4;
                AsyncTensorFma += HgmmaSize(i) / 4;
                break;
            case "LDS": Access(_sharedLoads, Width(i)); break;
            case "STS": Access(_sharedStores, Width(i)); break;
            case "LDSM":
                Ldsm++;
                int matrices = i.Modifiers.Last() is "4" or "2" ? i.Opcode[^1] - '0' : 1;
                _ldsmBytes += 4 * matrices;
                Wavefronts += matrices;
                break;
            case "LDG" or "LD": Access(_globalLoads, Width(i)); break;
            case "STG" or "ST": Access(_globalStores, Width(i)); break;
            case "LDGSTS":
                Access(_globalLoads, Width(i));
                Access(_sharedStores, Width(i));
                break;
            case "LDL" or "STL": Local++; break;
            case "SHFL":
                Shuffles++;
                Wavefronts++;
                break;
            case "ATOM" or "ATOMG" or "RED":
                Atomics++;
                break;
            case "ATOMS":
                Atomics++;
                Wavefronts++;
                break;
            case "BAR": Barriers++; break;
            default:
                if (Fp32.Contains(name)) OtherFp32++;
                else if (Alu.Contains(name)) AluCount++;
                else if (Special.Contains(name)) SpecialCount++;
                else if (Free.Contains(name)) FreeCount++;
                else Count(_unknown, i.Opcode);
                break;
        }
    }

    private void Access(SortedDictionary<int, int> accesses, int bytes)
    {
        Count(accesses, bytes);
        Wavefronts += int.Max(1, 32 * bytes / Gpu.SharedBytes);
    }

    private static void Count<T>(IDictionary<T, int> counts, T key) => counts[key] = (counts.TryGetValue(key, out int n) ? n : 0) + 1;

    private static int Width(SassInstruction i)
    {
        foreach (string modifier in i.Modifiers)
        {
            switch (modifier)
            {
                case "U8" or "S8": return 1;
                case "U16" or "S16": return 2;
                case "64": return 8;
                case "128": return 16;
            }
        }
        return 4;
    }

    // HMMA.16816 is 16 x 8 x 16, HMMA.1688 is 16 x 8 x 8.
    private static double HmmaSize(SassInstruction i) => i.Modifiers.First() switch
    {
        "16816" => 16 * 8 * 16,
        "1688" => 16 * 8 * 8,
        _ => throw new InvalidDataException($"{i.Opcode}: the size of this product is not known here; add it to {nameof(InstructionMix)}"),
    };

    // HGMMA.64x128x16
    private static double HgmmaSize(SassInstruction i)
    {
        string[] sides = i.Modifiers.First().Split('x');
        return sides.Length == 3
            ? sides.Aggregate(1.0, (product, side) => product * int.Parse(side, CultureInfo.InvariantCulture))
            : throw new InvalidDataException($"{i.Opcode}: the size of this product is not known here; add it to {nameof(InstructionMix)}");
    }
}
