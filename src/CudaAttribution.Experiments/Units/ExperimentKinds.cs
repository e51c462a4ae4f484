using CudaAttribution.Runs.Units;

namespace CudaAttribution.Experiments.Units;

/// <summary>Every kind of unit that this program computes.</summary>
public static class ExperimentKinds
{
    /// <param name="devices">What they compute on.</param>
    public static UnitKinds All(UnitDevices devices) => new(
        new DrawKind(devices), new KeysKind(devices), new InnocentsKind(devices), new ModelKind(devices), new AttributeKind(devices),
        new TwinKind(devices), new SheetKind(devices), new ServedKind(devices), new TrialsKind(devices), new DistancesKind(devices), new SwapKind(devices),
        new BaselineKind(devices), new ExamineKind(devices));
}
