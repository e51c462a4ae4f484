using CudaAttribution.Runs.Units;

namespace CudaAttribution.Experiments;

/// <summary>Something that happened in the demo, for whoever shows it.</summary>
public abstract record DemoEvent;

/// <summary>A stage begins.</summary>
/// <param name="Number">Its number, from 1.</param>
/// <param name="Of">Number of stages.</param>
/// <param name="Title">What is done.</param>
public sealed record DemoStageStarted(int Number, int Of, string Title) : DemoEvent;

/// <summary>A stage goes on.</summary>
/// <param name="Title">The stage.</param>
/// <param name="Progress">What is going on in it, and how far that is.</param>
public sealed record DemoStageProgress(string Title, UnitProgress Progress) : DemoEvent;

/// <summary>A stage is finished.</summary>
/// <param name="Title">The stage.</param>
/// <param name="Seconds">How long it took in this run.</param>
/// <param name="Reused">True where an earlier, killed run had finished it.</param>
/// <param name="Outcome">What came of it, in a few words.</param>
public sealed record DemoStageFinished(string Title, double Seconds, bool Reused, string Outcome) : DemoEvent;
