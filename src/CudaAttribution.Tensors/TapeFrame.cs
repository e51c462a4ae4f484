namespace CudaAttribution.Tensors;

/// <summary>A stretch of evaluation of which one tensor survives: see <see cref="Tape.Frame"/>. Frames nest.</summary>
public sealed class TapeFrame : IDisposable
{
    private readonly Arena? _arena;
    private readonly int _mark;
    private Tensor? _kept;

    internal TapeFrame(Arena? arena) => (_arena, _mark) = (arena, arena?.Mark ?? 0);

    /// <summary>Names the one tensor that outlives the frame, or a view of it.</summary>
    public Tensor Keep(Tensor tensor) => _kept = tensor;

    public void Dispose() => _arena?.ReleaseFrom(_mark, _kept);
}
