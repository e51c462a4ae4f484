using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models.Watermark;

/// <summary>Changes without a useful gradient: what is computed is the change, what the gradient sees is the identity (Bengio et al. 2013).</summary>
internal static class StraightThrough
{
    /// <summary>x + (f(x) − x), where only the first x passes a gradient.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">Any shape.</param>
    /// <param name="change">f, which keeps the shape.</param>
    public static Tensor Apply(Tape tape, Tensor x, Func<Tape, Tensor, Tensor> change)
    {
        var constant = tape.New(x.Shape);
        constant.CopyFrom(x);
        var difference = tape.Add(change(tape, constant), tape.Scale(constant, -1));
        return tape.Add(x, difference);
    }

    /// <summary>Values of [0, 1] as 8 bits hold them.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">Any shape.</param>
    /// <param name="step">1/255 for each sample and channel, <c>[N,C]</c>.</param>
    public static Tensor Round(Tape tape, Tensor x, Tensor step) => Apply(tape, x, (t, constant) =>
    {
        var y = t.New(constant.Shape);
        PixelValues.Quantise(constant, step, y);
        return y;
    });
}
