using CudaAttribution.Runs;

namespace CudaAttribution.Answers;

/// <summary>A service says that it changed its model while it was asked: its answers are not those of one suspect.</summary>
public sealed class ServiceChangedException(string problem, string remedy, string? file = null) : UserException(problem, remedy, file);
