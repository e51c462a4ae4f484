namespace CudaAttribution.KernelReport.Bench;

/// <summary>What a kernel is for.</summary>
public enum WorkKind
{
    /// <summary>To move bytes.</summary>
    Memory,

    /// <summary>F32 arithmetic, or that of tensor cores.</summary>
    Fp32,

    /// <summary>Integer multiply-adds.</summary>
    Integer,
}

/// <summary>Which kernels do the arithmetic of an op's case, and how much of it.</summary>
public static class KernelWork
{
    /// <summary>
    /// Multiples of the operations of the case's forward. The attention forward multiplies twice (scores, output), bwd_q three times (scores, dp, dq),
    /// bwd_kv four times (scores, dp, dk, dv).
    /// </summary>
    private static readonly Dictionary<string, double> Shares = new(StringComparer.Ordinal)
    {
        ["conv2d_fwd_f32"] = 1, ["conv2d_bwd_x_f32"] = 1, ["conv2d_bwd_w_f32"] = 1,
        ["conv2d_fwd_f32_bf16"] = 1, ["conv2d_bwd_x_f32_bf16"] = 1, ["conv2d_bwd_w_f32_bf16"] = 1,
        ["gemm_nn_f32"] = 1, ["gemm_tn_f32"] = 1,
        ["gemm_nn_f32_bf16"] = 1, ["gemm_nt_f32_bf16"] = 1, ["gemm_tn_f32_bf16"] = 1,
        ["attention_d64_fwd_f32"] = 1, ["attention_d160_fwd_f32"] = 1, ["attention_d512_fwd_f32"] = 1,
        ["attention_d64_bwd_q_f32"] = 1.5, ["attention_d160_bwd_q_f32"] = 1.5,
        ["attention_d64_bwd_kv_f32"] = 2, ["attention_d160_bwd_kv_f32"] = 2,
        ["distance_u8"] = 1,
    };

    /// <summary>Operations of a launch, of the case's; 0 where bytes are its work.</summary>
    public static double Flops(string kernel, double ofCase) => Shares.GetValueOrDefault(kernel) * ofCase;

    public static WorkKind KindOf(string kernel) =>
        kernel == "distance_u8" ? WorkKind.Integer : Shares.ContainsKey(kernel) ? WorkKind.Fp32 : WorkKind.Memory;

    /// <summary>Operations that an op's cases count for one multiply-add: a distance counts the difference too.</summary>
    public static double FlopsPerMultiplyAdd(string kernel) => KindOf(kernel) == WorkKind.Integer ? 3 : 2;
}
