using System.Text.RegularExpressions;

namespace CudaAttribution.KernelReport.Sass;

/// <summary>Instructions that run one after the other, and the blocks that can follow.</summary>
/// <param name="First">Its first instruction.</param>
/// <param name="End">One past its last.</param>
/// <param name="Next">Blocks that can follow, by index.</param>
public sealed record BasicBlock(int First, int End, IReadOnlyList<int> Next);

/// <summary>A natural loop: the blocks from which its head is reached again without leaving it.</summary>
/// <param name="Head">Its only entrance.</param>
/// <param name="Blocks">The head included.</param>
/// <param name="Latches">Blocks that jump back to the head.</param>
public sealed record Loop(int Head, IReadOnlySet<int> Blocks, IReadOnlyList<int> Latches);

/// <summary>
/// Blocks and loops of a kernel. A call falls through (what it calls is not looked at), and so does the reconvergence of a warp: ptxas puts BSYNC right
/// before the place where its warp goes on.
/// </summary>
public sealed partial class ControlFlow
{
    private readonly int[] _order;

    private ControlFlow(SassKernel kernel, BasicBlock[] blocks)
    {
        Kernel = kernel;
        Blocks = blocks;
        var reached = ReversePostOrder(blocks);
        _order = new int[blocks.Length];
        Array.Fill(_order, -1);
        for (int i = 0; i < reached.Count; i++) _order[reached[i]] = i;
        Loops = FindLoops(blocks, reached, Dominators(blocks, reached));
    }

    public SassKernel Kernel { get; }

    /// <summary>In the order of their addresses; the first is the entry.</summary>
    public IReadOnlyList<BasicBlock> Blocks { get; }

    public IReadOnlyList<Loop> Loops { get; }

    /// <summary>Loops that contain no other one.</summary>
    public IEnumerable<Loop> Innermost => Loops.Where(l => !Loops.Any(o => o != l && l.Blocks.Contains(o.Head)));

    /// <summary>Blocks that can be reached from the entry, each after those that lead to it except by a jump back.</summary>
    public IEnumerable<int> Reached => Enumerable.Range(0, Blocks.Count).Where(b => _order[b] >= 0).OrderBy(b => _order[b]);

    /// <summary>Whether the step from one block to another goes forward.</summary>
    public bool IsForward(int from, int to) => _order[to] > _order[from];

    /// <exception cref="InvalidDataException">It jumps to where nothing is, or to an address that only a register knows.</exception>
    public static ControlFlow Of(SassKernel kernel)
    {
        var code = kernel.Instructions;
        SortedSet<int> starts = [0, .. kernel.Labels.Values.Where(at => at < code.Count)];
        for (int i = 0; i + 1 < code.Count; i++)
        {
            if (Jumps(code[i]) || Ends(code[i])) starts.Add(i + 1);
        }
        int[] firsts = [.. starts];
        var index = firsts.Select((first, block) => (first, block)).ToDictionary(p => p.first, p => p.block);
        var blocks = new BasicBlock[firsts.Length];
        for (int b = 0; b < blocks.Length; b++)
        {
            int end = b + 1 < firsts.Length ? firsts[b + 1] : code.Count;
            var last = code[end - 1];
            List<int> next = [];
            if (Jumps(last)) next.Add(index[TargetOf(kernel, last)]);
            if (!Ends(last) && !(Jumps(last) && IsUnconditional(last)) && end < code.Count) next.Add(b + 1);
            blocks[b] = new BasicBlock(firsts[b], end, [.. next.Distinct()]);
        }
        return new ControlFlow(kernel, blocks);
    }

    private static bool Jumps(SassInstruction i) => i.Base is "BRA" or "JMP" or "BRX" or "JMX";

    private static bool Ends(SassInstruction i) => i.Base is "EXIT" or "RET" or "KILL" && !i.Predicated;

    // "BRA `(.L)"; conditional are "@P0 BRA ...", "BRA !P1, ..." and "BRA.DIV UR4, ...".
    private static bool IsUnconditional(SassInstruction i) => !i.Predicated && !i.Operands.Contains(',', StringComparison.Ordinal);

    private static int TargetOf(SassKernel kernel, SassInstruction jump)
    {
        var label = Target().Match(jump.Operands);
        if (jump.Base is "BRX" or "JMX" || !label.Success)
        {
            throw new InvalidDataException($"kernel {kernel.Name}: '{jump.Opcode} {jump.Operands}' does not name its target; indirect jumps are not understood");
        }
        return kernel.Labels.TryGetValue(label.Groups["label"].Value, out int at) && at < kernel.Instructions.Count
            ? at
            : throw new InvalidDataException($"kernel {kernel.Name}: '{jump.Opcode} {jump.Operands}' leads nowhere");
    }

    private static List<int> ReversePostOrder(BasicBlock[] blocks)
    {
        List<int> order = [];
        var seen = new bool[blocks.Length];
        Stack<(int Block, int Child)> path = new([(0, 0)]);
        seen[0] = true;
        while (path.TryPop(out var top))
        {
            if (top.Child == blocks[top.Block].Next.Count)
            {
                order.Add(top.Block);
                continue;
            }
            path.Push((top.Block, top.Child + 1));
            int next = blocks[top.Block].Next[top.Child];
            if (seen[next]) continue;
            seen[next] = true;
            path.Push((next, 0));
        }
        order.Reverse();
        return order;
    }

    // Cooper, Harvey and Kennedy 2001: the nearest dominator of each block, by iteration; -1 where a block is never reached.
    private static int[] Dominators(BasicBlock[] blocks, List<int> reached)
    {
        var position = new int[blocks.Length];
        for (int i = 0; i < reached.Count; i++) position[reached[i]] = i;
        var before = Predecessors(blocks, reached);
        var nearest = new int[blocks.Length];
        Array.Fill(nearest, -1);
        nearest[0] = 0;
        for (bool changed = true; changed;)
        {
            changed = false;
            foreach (int block in reached.Skip(1))
            {
                int common = -1;
                foreach (int p in before[block].Where(p => nearest[p] >= 0)) common = common < 0 ? p : Common(common, p);
                changed |= nearest[block] != common;
                nearest[block] = common;
            }
        }
        return nearest;

        int Common(int a, int b)
        {
            while (a != b)
            {
                while (position[a] > position[b]) a = nearest[a];
                while (position[b] > position[a]) b = nearest[b];
            }
            return a;
        }
    }

    private static List<int>[] Predecessors(BasicBlock[] blocks, List<int> reached)
    {
        var before = Array.ConvertAll(blocks, _ => new List<int>());
        foreach (int b in reached)
        {
            foreach (int next in blocks[b].Next) before[next].Add(b);
        }
        return before;
    }

    private static List<Loop> FindLoops(BasicBlock[] blocks, List<int> reached, int[] nearest)
    {
        var before = Predecessors(blocks, reached);
        List<Loop> loops = [];
        foreach (int head in reached)
        {
            int[] latches = [.. before[head].Where(b => Dominates(head, b))];
            if (latches.Length == 0) continue;
            HashSet<int> body = [head];
            Stack<int> open = new(latches);
            while (open.TryPop(out int block))
            {
                if (!body.Add(block)) continue;
                foreach (int p in before[block]) open.Push(p);
            }
            loops.Add(new Loop(head, body, latches));
        }
        return loops;

        bool Dominates(int a, int b)
        {
            while (b != a && b != 0) b = nearest[b];
            return b == a;
        }
    }

    [GeneratedRegex(@"`\((?<label>[^)]+)\)")]
    private static partial Regex Target();
}
