using CudaAttribution.Runs;

namespace CudaAttribution.Models.Schedulers;

/// <summary>Solvers of the diffusion's differential equation; diffusers' classes in brackets.</summary>
public enum SolverKind
{
    /// <summary>DDIM (Song et al. 2021) [<c>DDIMScheduler</c>].</summary>
    Ddim,

    /// <summary>Euler in σ (Karras et al. 2022) [<c>EulerDiscreteScheduler</c>].</summary>
    Euler,

    /// <summary>DPM-Solver++ of second order, multistep, midpoint (Lu et al. 2022) [<c>DPMSolverMultistepScheduler</c>].</summary>
    DpmSolver,
}

/// <summary>
/// One update of a solver, linear in what is known: x_p = <see cref="Sample"/>·x_t + <see cref="Output"/>·o + <see cref="Sigma"/>·n +
/// <see cref="Memory"/>·m, o the model's output, n fresh normal noise, m the picture x̂0 that the update before predicted. At most one of
/// the last two factors is not 0.
/// </summary>
/// <param name="Timestep">t: what the model is told, and the noise level of x_t.</param>
/// <param name="Previous">The timestep of the next entry of the list; −1 after the last, where ᾱ_p is <paramref name="AlphaBarPrevious"/>.</param>
/// <param name="AlphaBar">ᾱ_t.</param>
/// <param name="AlphaBarPrevious">ᾱ_p.</param>
/// <param name="Sample">Factor of x_t.</param>
/// <param name="Output">Factor of the model's output.</param>
/// <param name="Sigma">Factor of fresh noise; 0 for η = 0.</param>
public readonly record struct SamplingStep(
    int Timestep, int Previous, double AlphaBar, double AlphaBarPrevious, double Sample, double Output, double Sigma)
{
    /// <summary>Factor of the x̂0 of the update before; 0 for one-step solvers.</summary>
    public double Memory { get; init; }

    /// <summary>The first-order step: what a multistep solver does where there is no update before, m being its own x̂0.</summary>
    public SamplingStep WithoutMemory(PredictionType prediction)
    {
        var (sample, output) = Data(AlphaBar, prediction);
        return this with { Sample = Sample + Memory * sample, Output = Output + Memory * output, Memory = 0 };
    }

    /// <summary>x̂0 = <c>Sample</c>·x_t + <c>Output</c>·o, which a multistep solver keeps for the next update.</summary>
    public static (double Sample, double Output) Data(double alphaBar, PredictionType prediction)
    {
        double signal = Math.Sqrt(alphaBar), noise = Math.Sqrt(1 - alphaBar);
        return prediction == PredictionType.Epsilon ? (1 / signal, -noise / signal) : (signal, -noise);
    }
}

/// <summary>A sampling run as a pure function of configuration, solver and number of steps.</summary>
/// <param name="Steps">The updates, from most to least noise.</param>
/// <param name="InitialNoise">Factor of the normal noise in the x that it starts from.</param>
/// <param name="Multistep">Whether an update uses the x̂0 of the one before.</param>
/// <param name="Prediction">What the model's output is.</param>
public sealed record SamplingPlan(IReadOnlyList<SamplingStep> Steps, double InitialNoise, bool Multistep, PredictionType Prediction)
{
    /// <summary>Factor of the picture in the x that it starts from; 0 for a start from noise.</summary>
    public double InitialPicture { get; init; }

    /// <param name="config">Schedule, spacing and prediction type.</param>
    /// <param name="solver">The solver.</param>
    /// <param name="steps">Steps of the whole schedule.</param>
    /// <param name="eta">η of DDIM.</param>
    /// <param name="strength">Of image to image, in (0, 1]: the share of the steps that is taken; null starts from noise.</param>
    /// <exception cref="UserException">Steps or strength do not fit the schedule or the solver; the message says what does.</exception>
    /// <exception cref="ArgumentException">η does not fit the solver.</exception>
    public static SamplingPlan Of(SchedulerConfig config, SolverKind solver, int steps, double eta = 0, double? strength = null)
    {
        var plan = FromNoise(config, solver, steps, eta);
        return strength is { } s ? plan.FromPicture(s) : plan;
    }

    private SamplingPlan FromPicture(double strength)
    {
        if (strength is not (> 0 and <= 1)) throw new UserException($"the strength is {strength}", "It must lie in (0, 1].") { Setting = "strength" };
        int taken = int.Min((int)(Steps.Count * strength), Steps.Count);
        if (taken == 0)
        {
            throw new UserException(
                FormattableString.Invariant($"strength {strength} of {Steps.Count} steps is less than one step"), "Use more of either.")
            {
                Setting = "strength",
            };
        }
        SamplingStep[] last = [.. Steps.Skip(Steps.Count - taken)];
        last[0] = last[0].WithoutMemory(Prediction);
        double alphaBar = last[0].AlphaBar;
        return this with { Steps = last, InitialNoise = Math.Sqrt(1 - alphaBar), InitialPicture = Math.Sqrt(alphaBar) };
    }

    private static SamplingPlan FromNoise(SchedulerConfig config, SolverKind solver, int steps, double eta)
    {
        if (solver != SolverKind.Ddim && eta != 0)
            throw new ArgumentException($"eta {eta} needs the solver ddim: {solver} adds no noise", nameof(eta));
        return solver switch
        {
            SolverKind.Ddim => new(DdimScheduler.Steps(config, steps, eta), 1, false, config.PredictionType),
            SolverKind.Euler => EulerScheduler.Plan(config, steps),
            SolverKind.DpmSolver => DpmSolverScheduler.Plan(config, steps),
            _ => throw new ArgumentException($"unknown solver {solver}", nameof(solver)),
        };
    }
}
