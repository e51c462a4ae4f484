using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Tensors.Ops;

/// <summary>Constants of AdamW; the defaults are PyTorch's, which diffusers' training scripts use.</summary>
public sealed record AdamWOptions
{
    public double Beta1 { get; init; } = 0.9;

    public double Beta2 { get; init; } = 0.999;

    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Decoupled decay λ: a step takes λ times the learning rate off every parameter.</summary>
    public double WeightDecay { get; init; } = 1e-2;

    /// <summary>The factors of step number <paramref name="step"/>, the first being 1.</summary>
    /// <exception cref="ArgumentException">A constant or an argument is out of its range.</exception>
    public AdamWFactors At(long step, double learningRate)
    {
        if (step < 1) throw new ArgumentException($"steps count from 1, this is {step}", nameof(step));
        if (!(learningRate >= 0 && double.IsFinite(learningRate)))
        {
            throw new ArgumentException($"the learning rate is {learningRate}, it must be finite and not negative", nameof(learningRate));
        }
        if (Problem() is { } problem) throw new ArgumentException(problem);
        return new AdamWFactors(
            Keep: (float)(1 - learningRate * WeightDecay),
            Step: (float)(learningRate / (1 - double.Pow(Beta1, step))),
            Weight1: (float)(1 - Beta1),
            Beta2: (float)Beta2,
            Weight2: (float)(1 - Beta2),
            Root: (float)(1 / double.Sqrt(1 - double.Pow(Beta2, step))),
            Epsilon: (float)Epsilon);
    }

    /// <summary>What is out of range, as a sentence; null where nothing is.</summary>
    public string? Problem()
    {
        if (Beta1 is not (>= 0 and < 1)) return $"beta1 must lie in [0, 1), it is {Beta1}";
        if (Beta2 is not (>= 0 and < 1)) return $"beta2 must lie in [0, 1), it is {Beta2}";
        if (Epsilon is not (>= 1e-30 and < 1)) return $"epsilon must lie in [1e-30, 1), it is {Epsilon}";
        return WeightDecay is >= 0 and < 1 ? null : $"weight decay must lie in [0, 1), it is {WeightDecay}";
    }
}

/// <summary>
/// AdamW over a <see cref="ParameterSet"/>, with clipping of the global gradient norm. A step is three launches and does not wait for the device.
/// What it has to remember (both moments, the step number) goes to and comes from named tensors, so that a resumed run gives the bits of one that
/// never stopped.
/// </summary>
public sealed class AdamW : IDisposable
{
    private const string FirstMoment = "m.", SecondMoment = "v.", StepName = "step";

    private readonly ParameterSet _parameters;
    private readonly Arena _arena;
    private readonly Tensor _m, _v, _scratch, _norm;

    /// <param name="parameters">Frozen, with gradients.</param>
    /// <param name="options">Constants; null for the defaults.</param>
    /// <exception cref="ArgumentException">A constant is out of its range.</exception>
    public AdamW(ParameterSet parameters, AdamWOptions? options = null)
    {
        Options = options ?? new AdamWOptions();
        if (Options.Problem() is { } problem) throw new ArgumentException(problem, nameof(options));
        _parameters = parameters;
        var shape = parameters.Gradients.Shape;
        _arena = new Arena(parameters.Device);
        _m = _arena.Zeros(shape);
        _v = _arena.Zeros(shape);
        _scratch = _arena.New(Optim.NormScratch(shape.Count));
        _norm = _arena.Zeros(new Shape(2));
    }

    public AdamWOptions Options { get; }

    /// <summary>Steps taken.</summary>
    public long Step { get; private set; }

    /// <summary>One step from the gradients as they are.</summary>
    /// <param name="learningRate">η ≥ 0.</param>
    /// <param name="maxNorm">The gradient is scaled down to this norm where it is longer; +∞ for no clipping.</param>
    public void Update(double learningRate, float maxNorm = float.PositiveInfinity)
    {
        var factors = Options.At(Step + 1, learningRate);
        Optim.GradientNorm(_parameters.Gradients, maxNorm, _scratch, _norm);
        Optim.AdamWStep(_parameters.Values, _parameters.Gradients, _m, _v, _norm, factors);
        Step++;
    }

    /// <summary>The norm of the gradient of the last step, before clipping; NaN or infinite where the gradient was. Waits for the device.</summary>
    public float GradientNorm() => _norm.ToArray<float>()[0];

    /// <summary>
    /// Adds the state to <paramref name="destination"/>: <c>m.{parameter}</c>, <c>v.{parameter}</c> and <c>step</c> (I64), each with the prefix
    /// before it.
    /// </summary>
    public void SaveTo(TensorState destination, string prefix = "")
    {
        _parameters.SaveTo(destination, prefix + FirstMoment, _m);
        _parameters.SaveTo(destination, prefix + SecondMoment, _v);
        destination.Add(prefix + StepName, HostTensor.From([Step], new Shape(1)));
    }

    /// <summary>Continues from a state that <see cref="SaveTo"/> wrote.</summary>
    /// <exception cref="ArgumentException">A tensor is missing or does not fit the parameters.</exception>
    /// <exception cref="WeightFileException">The source cannot be read.</exception>
    public void LoadFrom(IWeightSource source, string prefix = "")
    {
        string name = prefix + StepName;
        bool isStep = source.Weights.TryGetValue(name, out var info) && info == new WeightInfo(DType.I64, new Shape(1));
        long step = isStep ? source.ReadTensor(name).Values<long>()[0] : -1;
        if (step < 0)
        {
            throw new ArgumentException($"the state of AdamW needs the tensor '{prefix + StepName}', one I64 that is not negative", nameof(source));
        }
        _parameters.LoadFrom(source, prefix + FirstMoment, _m);
        _parameters.LoadFrom(source, prefix + SecondMoment, _v);
        Step = step;
    }

    public void Dispose() => _arena.Dispose();
}
