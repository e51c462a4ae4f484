namespace CudaAttribution.Tensors.Engines.Nvidia;

/// <summary>Descriptors of one convolution shape: NHWC arrays, KRSC weights, cross-correlation, F32 by FMA.</summary>
internal sealed unsafe class CudnnConvolution : ICudnnConvolution
{
    // cudnnTensorFormat_t, cudnnDataType_t, cudnnConvolutionMode_t, cudnnMathType_t.
    private const int Nhwc = 1;
    private const int Float = 0;
    private const int CrossCorrelation = 1;
    private const int FmaMath = 3;

    // Of cudnnConvolutionFwdAlgo_t, and of cudnnConvolutionBwdDataAlgo_t and cudnnConvolutionBwdFilterAlgo_t alike.
    private const int ImplicitGemm = 0;
    private const int ImplicitPrecompGemm = 1;
    private const int Algorithm1 = 1;

    // Those that are deterministic and take NHWC in F32 (backward, number 0 adds by atomics); the first that is supported for the shape is used.
    private static readonly int[] ForwardAlgorithms = [ImplicitPrecompGemm, ImplicitGemm];
    private static readonly int[] BackwardAlgorithms = [Algorithm1];

    private readonly CudnnFunctions _cudnn;
    private readonly nint _handle;
    private readonly Conv2dShape _shape;
    private readonly (int Algorithm, nuint Bytes)?[] _plans = new (int, nuint)?[3];
    private readonly int[] _next = new int[3];
    private nint _x, _w, _y, _convolution;

    public CudnnConvolution(CudnnFunctions cudnn, nint handle, in Conv2dShape s)
    {
        (_cudnn, _handle, _shape) = (cudnn, handle, s);
        try
        {
            _x = Tensor(s.N, s.C, s.H, s.W);
            _y = Tensor(s.N, s.O, s.OutH, s.OutW);
            nint created;
            Check(cudnn.CreateFilter(&created));
            _w = created;
            Check(cudnn.SetFilter(_w, Float, Nhwc, s.O, s.C, s.Kernel, s.Kernel));
            Check(cudnn.CreateConvolution(&created));
            _convolution = created;
            Check(cudnn.SetConvolution(_convolution, s.PadBegin, s.PadBegin, s.Stride, s.Stride, 1, 1, CrossCorrelation, Float));
            Check(cudnn.SetConvolutionMath(_convolution, FmaMath));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public long? WorkspaceBytes(ConvolutionPass pass) => Plan(pass) is { } plan ? checked((long)plan.Bytes) : null;

    public bool TryRun(ConvolutionPass pass, nint x, nint w, nint y, nint workspace, float beta)
    {
        var (algorithm, bytes) = Plan(pass) ?? throw new InvalidOperationException($"cuDNN supports no algorithm for {pass} of {_shape}");
        float one = 1;
        int status = pass switch
        {
            ConvolutionPass.Forward =>
                _cudnn.Forward(_handle, &one, _x, x, _w, w, _convolution, algorithm, workspace, bytes, &beta, _y, y),
            ConvolutionPass.BackwardData =>
                _cudnn.BackwardData(_handle, &one, _w, w, _y, y, _convolution, algorithm, workspace, bytes, &beta, _x, x),
            _ => _cudnn.BackwardFilter(_handle, &one, _x, x, _y, y, _convolution, algorithm, workspace, bytes, &beta, _w, w),
        };
        if (status == 0) return true;
        if (!CudnnFunctions.IsNotSupported(status)) throw _cudnn.Error(status, $"compute {pass} of {_shape}");
        GoOn(pass);
        return false;
    }

    public void Dispose()
    {
        if (_convolution != 0) _ = _cudnn.DestroyConvolution(_convolution);
        if (_w != 0) _ = _cudnn.DestroyFilter(_w);
        if (_y != 0) _ = _cudnn.DestroyTensor(_y);
        if (_x != 0) _ = _cudnn.DestroyTensor(_x);
        _convolution = _w = _y = _x = 0;
    }

    private static int[] Algorithms(ConvolutionPass pass) => pass == ConvolutionPass.Forward ? ForwardAlgorithms : BackwardAlgorithms;

    // The first algorithm, from the one at hand on, that cuDNN supports; null where none is left.
    private (int Algorithm, nuint Bytes)? Plan(ConvolutionPass pass)
    {
        for (int[] algorithms = Algorithms(pass); _plans[(int)pass] is null && _next[(int)pass] < algorithms.Length;)
        {
            int algorithm = algorithms[_next[(int)pass]];
            nuint bytes;
            int status = pass switch
            {
                ConvolutionPass.Forward => _cudnn.ForwardWorkspace(_handle, _x, _w, _convolution, _y, algorithm, &bytes),
                ConvolutionPass.BackwardData => _cudnn.BackwardDataWorkspace(_handle, _w, _y, _convolution, _x, algorithm, &bytes),
                _ => _cudnn.BackwardFilterWorkspace(_handle, _x, _y, _convolution, _w, algorithm, &bytes),
            };
            if (status == 0) _plans[(int)pass] = (algorithm, bytes);
            else if (CudnnFunctions.IsNotSupported(status)) GoOn(pass);
            else throw _cudnn.Error(status, $"plan {pass} of {_shape} with a deterministic algorithm");
        }
        return _plans[(int)pass];
    }

    private void GoOn(ConvolutionPass pass)
    {
        _plans[(int)pass] = null;
        _next[(int)pass]++;
    }

    private nint Tensor(int n, int c, int h, int w)
    {
        nint created;
        Check(_cudnn.CreateTensor(&created));
        int status = _cudnn.SetTensor(created, Nhwc, Float, n, c, h, w);
        if (status != 0) _ = _cudnn.DestroyTensor(created);
        Check(status);
        return created;
    }

    private void Check(int status)
    {
        if (status != 0) throw _cudnn.Error(status, $"describe {_shape}");
    }
}
