using System.Diagnostics;
using CudaAttribution.Runs.Units;

namespace CudaAttribution.Experiments;

/// <summary>A unit of the demo as those who watch it know it.</summary>
/// <param name="Title">What it is called.</param>
/// <param name="Finish">Puts its result in its place, and says what came of it in a few words.</param>
internal sealed record DemoStage(string Title, Func<string> Finish)
{
    /// <summary>Is told when its computation begins.</summary>
    public Action? Begin { get; init; }
}

/// <summary>Tells the progress of units as that of the demo's stages.</summary>
/// <param name="stages">The stage of each unit.</param>
/// <param name="of">Number of stages, with those that are no units.</param>
/// <param name="events">Is told.</param>
/// <param name="stop">Is called when a unit has no result: the others need not go on.</param>
internal sealed class DemoStages(IReadOnlyList<(string Unit, DemoStage Stage)> stages, int of, Action<DemoEvent>? events, Action stop) : IProgress<UnitProgress>
{
    private readonly Dictionary<string, DemoStage> _stages = stages.ToDictionary(s => s.Unit, s => s.Stage);
    private Stopwatch? _watch;
    private int _begun;

    /// <summary>How long each finished stage took.</summary>
    public List<DemoStageTime> Times { get; } = [];

    public void Report(UnitProgress value)
    {
        var stage = _stages[value.Unit];
        switch (value.Activity)
        {
            case IRunner.Begin:
                stage.Begin?.Invoke();
                _watch = Stopwatch.StartNew();
                Start(stage);
                break;
            case IRunner.Units when value.Details.Length > 0:
                stop();
                break;
            case IRunner.Units:
                Finish(stage);
                break;
            default:
                events?.Invoke(new DemoStageProgress(stage.Title, value));
                break;
        }
    }

    private void Start(DemoStage stage) => events?.Invoke(new DemoStageStarted(++_begun, of, stage.Title));

    private void Finish(DemoStage stage)
    {
        bool reused = _watch is null;
        var watch = _watch ?? Stopwatch.StartNew();
        if (reused) Start(stage);
        string outcome = stage.Finish();
        var time = new DemoStageTime(stage.Title, Math.Round(watch.Elapsed.TotalSeconds, 1), reused);
        _watch = null;
        Times.Add(time);
        events?.Invoke(new DemoStageFinished(time.Stage, time.Seconds, reused, outcome));
    }
}
