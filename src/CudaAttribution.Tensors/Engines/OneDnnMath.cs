using CudaAttribution.Driver;

namespace CudaAttribution.Tensors.Engines;

/// <summary>
/// Matrix products and convolutions by oneDNN, on <c>cpu</c> only. Repeats its bits on one machine with one number of threads; unlike
/// <see cref="KernelMath"/> it promises nothing across machines or batch sizes. It computes on as many threads as the device, but on OpenMP's, which
/// spin for each other: two programs on the same processors disturb each other more than with <see cref="KernelMath"/>.
/// </summary>
public sealed class OneDnnMath : IMathLibrary
{
    private readonly ComputeDevice _device;

    /// <exception cref="NativeLibraryException">The engine library cannot be loaded.</exception>
    public OneDnnMath(ComputeDevice device)
    {
        _device = device;
        OneDnnLibrary.Threads = device.Driver.Info.Multiprocessors;
        // In the name, since its bits depend on it.
        Name = $"onednn {OneDnnLibrary.Describe()}, threads: {OneDnnLibrary.Threads}";
    }

    public string Name { get; }

    public DType Operands => DType.F32;

    public bool IsRecordable => false;

    public void Conv2dForward(in Conv2dShape s, Tensor x, Tensor w, Tensor? b, Tensor y) =>
        OneDnnLibrary.Convolve(s, OneDnnDirection.Forward, x.Pointer, w.Pointer, b?.Pointer ?? 0, y.Pointer);

    public void Conv2dBackwardData(in Conv2dShape s, Tensor dy, Tensor w, Tensor dx, bool accumulate)
    {
        var shape = s;
        Into(dx, accumulate, target => OneDnnLibrary.Convolve(shape, OneDnnDirection.BackwardData, target, w.Pointer, 0, dy.Pointer));
    }

    public void Conv2dBackwardWeights(in Conv2dShape s, Tensor x, Tensor dy, Tensor dw, bool accumulate)
    {
        var shape = s;
        Into(dw, accumulate, target => OneDnnLibrary.Convolve(shape, OneDnnDirection.BackwardWeights, x.Pointer, target, 0, dy.Pointer));
    }

    public void LinearForward(int m, int o, int i, Tensor x, Tensor w, Tensor? b, Tensor y) =>
        OneDnnLibrary.Product(false, true, m, o, i, x.Pointer, w.Pointer, b?.Pointer ?? 0, false, y.Pointer);

    public void LinearBackwardData(int m, int o, int i, Tensor dy, Tensor w, Tensor dx, bool accumulate) =>
        OneDnnLibrary.Product(false, false, m, i, o, dy.Pointer, w.Pointer, 0, accumulate, dx.Pointer);

    public void LinearBackwardWeights(int m, int o, int i, Tensor x, Tensor dy, Tensor dw, bool accumulate) =>
        OneDnnLibrary.Product(true, false, o, i, m, dy.Pointer, x.Pointer, 0, accumulate, dw.Pointer);

    public void Dispose()
    {
    }

    // oneDNN overwrites its output; a gradient that already holds a part gets the product added by our kernel.
    private void Into(Tensor target, bool accumulate, Action<nint> compute)
    {
        if (!accumulate)
        {
            compute(target.Pointer);
            return;
        }
        using var arena = new Arena(_device);
        var product = arena.New(target.Shape);
        compute(product.Pointer);
        InPlace.AddInto(_device, target, product);
    }
}
