using CudaAttribution.Runs;

namespace CudaAttribution.Chain;

/// <summary>A chain was touched; the message names the first line that does not fit.</summary>
/// <param name="problem">What is wrong, as a sentence without its full stop.</param>
/// <param name="file">The chain.</param>
/// <param name="line">The line, from 1.</param>
/// <param name="inner">The failure underneath.</param>
public sealed class ChainException(string problem, string file, int line, Exception? inner = null)
    : UserException(problem, "Restore the file as it was written: no line of it can be changed, left out or put elsewhere.", file, line, inner);
