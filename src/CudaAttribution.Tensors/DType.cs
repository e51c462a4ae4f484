namespace CudaAttribution.Tensors;

/// <summary>Element types, named as in safetensors files. <see cref="F32"/> is IEEE binary32; reduced precisions are never implied.</summary>
public enum DType
{
    F32,
    F64,
    F16,
    BF16,
    I32,
    I64,
    U8,
}

public static class DTypes
{
    /// <summary>Bytes of one element.</summary>
    public static int Size(this DType type) => type switch
    {
        DType.F32 or DType.I32 => 4,
        DType.F64 or DType.I64 => 8,
        DType.F16 or DType.BF16 => 2,
        DType.U8 => 1,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "unknown element type"),
    };
}
