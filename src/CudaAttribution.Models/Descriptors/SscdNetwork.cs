using CudaAttribution.Models.Layers;
using CudaAttribution.Models.ResNet;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models.Descriptors;

/// <summary>
/// The layers of SSCD (Pizzi et al. 2022): a ResNet trunk, the generalised mean of order 3 over its maps, a linear layer, unit length. Names are those of the
/// published state dicts (<c>backbone.conv1.weight</c>, ..., <c>backbone.fc.bias</c>).
/// </summary>
internal sealed class SscdNetwork(SscdConfig config, ParameterScope p)
{
    private readonly ResNetModel _trunk = new(config.Trunk, p["backbone"]);

    /// <param name="tape">The tape.</param>
    /// <param name="x">Pictures <c>[N,H,W,3]</c>, normalised by mean and deviation.</param>
    /// <param name="mode">Training moves the running statistics.</param>
    /// <returns>Rows of unit length <c>[N,Dimensions]</c>.</returns>
    public Tensor Forward(Tape tape, Tensor x, NetworkMode mode)
    {
        var pooled = tape.Replace(_trunk.Maps(tape, x, mode), (t, maps) => t.GemPool(maps));
        return tape.Replace(tape.Replace(pooled, _trunk.Classify), (t, rows) => t.UnitNorm(rows));
    }
}
