using CudaAttribution.Models.Schedulers;

namespace CudaAttribution.Answers;

/// <summary>What other programs call the solvers.</summary>
public static class SamplerNames
{
    private static readonly (SolverKind Solver, string WebUi, string ComfyUi)[] Names =
    [
        (SolverKind.Ddim, "DDIM", "ddim"),
        (SolverKind.Euler, "Euler", "euler"),
        (SolverKind.DpmSolver, "DPM++ 2M", "dpmpp_2m"),
    ];

    /// <summary>AUTOMATIC1111's names, for messages.</summary>
    public static string AllWebUi => string.Join(", ", Names.Select(n => n.WebUi));

    /// <summary>AUTOMATIC1111's <c>sampler_name</c>.</summary>
    public static string WebUi(SolverKind solver) => Names.Single(n => n.Solver == solver).WebUi;

    /// <summary>ComfyUI's <c>sampler_name</c>.</summary>
    public static string ComfyUi(SolverKind solver) => Names.Single(n => n.Solver == solver).ComfyUi;

    /// <returns>The solver that AUTOMATIC1111 calls so; null where it is none of ours.</returns>
    public static SolverKind? FromWebUi(string name) => Names.Where(n => n.WebUi == name).Select(n => (SolverKind?)n.Solver).FirstOrDefault();
}
