using CudaAttribution.Driver;

namespace CudaAttribution.Tensors.Engines.Nvidia;

/// <summary>
/// Matrix products by cuBLAS and convolutions by cuDNN, on <c>cuda:N</c> only, in IEEE F32 without TF32. A convolution of one pixel, stride 1 and no
/// padding is a product. <see cref="KernelMath"/> computes one of unequal padding, which cuDNN does not have, and each pass for which cuDNN supports no
/// deterministic algorithm (<see cref="StandIns"/>); the name says so.
/// </summary>
/// <remarks>
/// Repeats its bits on one GPU with one version of the libraries, because only deterministic algorithms are named and one stream is used; unlike
/// <see cref="KernelMath"/> it promises nothing across GPUs, versions or batch sizes. No GPU has run it yet: it is tested against libraries that
/// stand in for NVIDIA's and compute the same functions on the processor.
/// </remarks>
public sealed class CublasCudnnMath : IMathLibrary
{
    private readonly ComputeDevice _device;
    private readonly KernelMath _kernels;
    private readonly ICublas _cublas;
    private readonly ICudnn _cudnn;
    private readonly Dictionary<Conv2dShape, ICudnnConvolution> _convolutions = [];
    private readonly HashSet<ConvolutionStandIn> _standIns = [];

    /// <exception cref="NativeLibraryException">cuBLAS or cuDNN is missing, too old or lacks a function; the message names the paths.</exception>
    /// <exception cref="DeviceException">One of them does not start on this device.</exception>
    public CublasCudnnMath(ComputeDevice device)
    {
        _device = device;
        _kernels = new KernelMath(device);
        device.Driver.MakeCurrent();
        // First cuBLAS: cuDNN uses it, and so finds the one already loaded.
        _cublas = NvidiaBindings.OpenCublas(device.Stream);
        try
        {
            _cudnn = NvidiaBindings.OpenCudnn(device.Stream);
        }
        catch
        {
            _cublas.Dispose();
            throw;
        }
        Name = $"cublas {_cublas.Version}, cudnn {_cudnn.Version}{NvidiaBindings.Through}, "
            + "kernels for unequal padding and where cudnn has no deterministic algorithm";
    }

    public string Name { get; }

    public DType Operands => DType.F32;

    public IReadOnlyCollection<ConvolutionStandIn> StandIns => _standIns;

    public void Conv2dForward(in Conv2dShape s, Tensor x, Tensor w, Tensor? b, Tensor y)
    {
        if (IsProduct(s)) Product(false, true, Pixels(s), s.O, s.C, x, w, false, y);
        else if (!TryConvolve(s, ConvolutionPass.Forward, x, w, y, false))
        {
            _kernels.Conv2dForward(s, x, w, b, y);
            return;
        }
        AddBias(y, b);
    }

    public void Conv2dBackwardData(in Conv2dShape s, Tensor dy, Tensor w, Tensor dx, bool accumulate)
    {
        if (IsProduct(s)) Product(false, false, Pixels(s), s.C, s.O, dy, w, accumulate, dx);
        else if (!TryConvolve(s, ConvolutionPass.BackwardData, dx, w, dy, accumulate)) _kernels.Conv2dBackwardData(s, dy, w, dx, accumulate);
    }

    public void Conv2dBackwardWeights(in Conv2dShape s, Tensor x, Tensor dy, Tensor dw, bool accumulate)
    {
        if (IsProduct(s)) Product(true, false, s.O, s.C, Pixels(s), dy, x, accumulate, dw);
        else if (!TryConvolve(s, ConvolutionPass.BackwardWeights, x, dw, dy, accumulate)) _kernels.Conv2dBackwardWeights(s, x, dy, dw, accumulate);
    }

    public void LinearForward(int m, int o, int i, Tensor x, Tensor w, Tensor? b, Tensor y)
    {
        Product(false, true, m, o, i, x, w, false, y);
        AddBias(y, b);
    }

    public void LinearBackwardData(int m, int o, int i, Tensor dy, Tensor w, Tensor dx, bool accumulate) =>
        Product(false, false, m, i, o, dy, w, accumulate, dx);

    public void LinearBackwardWeights(int m, int o, int i, Tensor x, Tensor dy, Tensor dw, bool accumulate) =>
        Product(true, false, o, i, m, dy, x, accumulate, dw);

    public void Dispose()
    {
        try
        {
            _device.Driver.MakeCurrent();
        }
        catch (DeviceException)
        {
            // The device has failed, which was reported where it happened; the handles are let go of all the same.
        }
        foreach (var convolution in _convolutions.Values) convolution.Dispose();
        _convolutions.Clear();
        _cudnn.Dispose();
        _cublas.Dispose();
    }

    private static bool IsUneven(in Conv2dShape s) => s.PadBegin != s.PadEnd;

    private static bool IsProduct(in Conv2dShape s) => s is { Kernel: 1, Stride: 1, PadBegin: 0, PadEnd: 0 };

    private static int Pixels(in Conv2dShape s) => checked(s.N * s.OutH * s.OutW);

    private void AddBias(Tensor y, Tensor? b)
    {
        if (b is not null) InPlace.AddRowInto(_device, y, b);
    }

    // c[m,n] (+)= op(a)[m,k] · op(b)[k,n], row-major. A row-major array read by columns is its own transpose: cuBLAS computes cᵀ = op(b)ᵀ · op(a)ᵀ.
    private void Product(bool transposeA, bool transposeB, int m, int n, int k, Tensor a, Tensor b, bool accumulate, Tensor c)
    {
        _device.Driver.MakeCurrent();
        int lda = transposeA ? m : k, ldb = transposeB ? k : n;
        _cublas.Sgemm(transposeB, transposeA, n, m, k, b.Pointer, ldb, a.Pointer, lda, accumulate ? 1 : 0, c.Pointer, n);
    }

    // False where cuDNN does not have it: nothing was computed then.
    private bool TryConvolve(in Conv2dShape s, ConvolutionPass pass, Tensor x, Tensor w, Tensor y, bool accumulate)
    {
        if (IsUneven(s)) return false;
        _device.Driver.MakeCurrent();
        if (!_convolutions.TryGetValue(s, out var convolution)) _convolutions[s] = convolution = _cudnn.Describe(s);
        while (convolution.WorkspaceBytes(pass) is { } bytes)
        {
            var workspace = bytes > 0 ? _device.Pool.RentWorkspace(bytes) : null;
            try
            {
                if (convolution.TryRun(pass, x.Pointer, w.Pointer, y.Pointer, workspace?.Pointer ?? 0, accumulate ? 1 : 0)) return true;
            }
            finally
            {
                workspace?.Release();
            }
        }
        _standIns.Add(new ConvolutionStandIn(pass, s));
        return false;
    }
}
