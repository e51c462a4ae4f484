namespace CudaAttribution.KernelReport.Sass;

/// <summary>
/// The loop of a kernel that does its work, and the way a warp takes through it. Of the innermost loops the one that does the most multiply-adds in an
/// iteration (tensor cores and F32; a kernel of integers, whose index arithmetic looks the same: the one with the most reads of shared memory), else the
/// one that moves the most bytes of global memory, else of shared memory, else the longest; of equals the first. The way through is chosen by the same
/// order, but of equals the shortest: so of a vector load and four scalar loads in its place the vector load counts.
/// </summary>
/// <param name="IsLoop">False for a kernel without a loop: then it is the way through all of it.</param>
/// <param name="Mix">What a warp issues in one iteration.</param>
public sealed record MainLoop(bool IsLoop, InstructionMix Mix)
{
    /// <param name="kernel">The machine code.</param>
    /// <param name="integers">Whether the work of the kernel is integer multiply-adds, of operands in shared memory.</param>
    public static MainLoop Of(SassKernel kernel, bool integers = false)
    {
        var flow = ControlFlow.Of(kernel);
        MainLoop? best = null;
        Weight most = default;
        foreach (var loop in flow.Innermost)
        {
            var mix = WayThrough(flow, loop.Head, loop.Blocks, loop.Latches, integers);
            var weight = Weight.Of(mix, integers);
            if (best is not null && weight.CompareTo(most) <= 0) continue;
            (best, most) = (new MainLoop(true, mix), weight);
        }
        if (best is not null) return best;
        HashSet<int> all = [.. flow.Reached];
        return new MainLoop(false, WayThrough(flow, 0, all, [.. all.Where(b => flow.Blocks[b].Next.Count == 0)], integers));
    }

    private static InstructionMix WayThrough(ControlFlow flow, int head, IReadOnlySet<int> blocks, IEnumerable<int> ends, bool integers)
    {
        Dictionary<int, (Weight Weight, int From)> best = [];
        foreach (int block in flow.Reached.Where(blocks.Contains))
        {
            if (block == head) best[block] = (default, -1);
            if (!best.TryGetValue(block, out var here)) continue;
            var after = here.Weight + Weight.Of(InstructionMix.Of(Code(block)), integers);
            best[block] = (after, here.From);
            foreach (int next in flow.Blocks[block].Next.Where(n => n != head && blocks.Contains(n) && flow.IsForward(block, n)))
            {
                if (!best.TryGetValue(next, out var other) || after.IsBetterWayThan(other.Weight)) best[next] = (after, block);
            }
        }
        int end = -1;
        foreach (int e in ends.Where(best.ContainsKey))
        {
            if (end < 0 || best[e].Weight.IsBetterWayThan(best[end].Weight)) end = e;
        }
        List<int> way = [];
        for (int block = end; block >= 0; block = best[block].From) way.Add(block);
        way.Reverse();
        return InstructionMix.Of(way.SelectMany(Code));

        IEnumerable<SassInstruction> Code(int block)
        {
            for (int i = flow.Blocks[block].First; i < flow.Blocks[block].End; i++) yield return flow.Kernel.Instructions[i];
        }
    }

    private readonly record struct Weight(double Work, int GlobalBytes, int SharedBytes, int Instructions) : IComparable<Weight>
    {
        public static Weight operator +(Weight a, Weight b) =>
            new(a.Work + b.Work, a.GlobalBytes + b.GlobalBytes, a.SharedBytes + b.SharedBytes, a.Instructions + b.Instructions);

        public static Weight Of(InstructionMix mix, bool integers) =>
            new(integers ? mix.SharedLoads.Values.Sum() : (mix.TensorFma / 32) + mix.Ffma, mix.GlobalBytes, mix.SharedBytes, mix.Total);

        public int CompareTo(Weight other) =>
            (Work, GlobalBytes, SharedBytes, Instructions).CompareTo((other.Work, other.GlobalBytes, other.SharedBytes, other.Instructions));

        public bool IsBetterWayThan(Weight other) =>
            (Work, GlobalBytes, SharedBytes, -Instructions).CompareTo((other.Work, other.GlobalBytes, other.SharedBytes, -other.Instructions)) > 0;
    }
}
