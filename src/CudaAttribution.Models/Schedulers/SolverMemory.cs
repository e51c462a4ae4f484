using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models.Schedulers;

/// <summary>The picture x̂0 that the last update of a multistep solver predicted.</summary>
internal sealed class SolverMemory(Arena arena, Shape shape, PredictionType prediction)
{
    /// <summary>m, <c>[N,H,W,C]</c>; undefined before the first <see cref="Keep"/>.</summary>
    public Tensor Data { get; } = arena.New(shape);

    /// <summary>x̂0 of an update, before x changes.</summary>
    public Tensor Predict(Tape tape, Tensor x, Tensor conditional, Tensor? unconditional, float guidance, in SamplingStep step)
    {
        var (sample, output) = SamplingStep.Data(step.AlphaBar, prediction);
        var data = tape.New(x.Shape);
        Sampling.DdimStep(x, conditional, unconditional, guidance, (float)sample, (float)output, 0, null, data);
        return data;
    }

    public void Keep(Tensor data) => Data.CopyFrom(data);
}
