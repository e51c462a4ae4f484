using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models.Layers;

/// <summary>
/// What is added to a linear layer: y += alpha / rank · B A x. A starts normal with standard deviation 1 / rank, B at zero, so a new adapter adds
/// nothing. The names are PEFT's: <c>lora_A.weight</c> and <c>lora_B.weight</c> under the layer's.
/// </summary>
internal sealed class LowRankAdapter
{
    private readonly Tensor _down, _up;
    private readonly float _factor;

    public LowRankAdapter(ParameterScope p, int inWidth, int outWidth, LoraOptions options)
    {
        _down = p["lora_A"].Normal("weight", new Shape(options.Rank, inWidth), 1.0 / options.Rank);
        _up = p["lora_B"].Constant("weight", new Shape(outWidth, options.Rank), 0);
        _factor = (float)options.Factor;
    }

    /// <param name="tape">The tape.</param>
    /// <param name="x">The layer's input <c>[...,I]</c>.</param>
    /// <param name="y">Its output <c>[...,O]</c>.</param>
    public Tensor AddTo(Tape tape, Tensor x, Tensor y)
    {
        var low = tape.Linear(x, _down, null);
        if (_factor != 1) low = tape.Scale(low, _factor);
        return tape.Add(y, tape.Linear(low, _up, null));
    }
}
