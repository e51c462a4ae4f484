namespace CudaAttribution.Tensors;

/// <summary>
/// Reverse-mode differentiation: ops run at once and, where an input requires a gradient, leave what computes it. <see cref="Backward(Tensor, float)"/>
/// runs these in reverse and frees each activation and gradient as soon as nothing can need it any more.
/// </summary>
/// <remarks>A tape owns every tensor made on it. A tape that does not record is plain evaluation (sampling).</remarks>
public sealed class Tape : IDisposable
{
    private readonly record struct Node(Tensor Output, Action<Tensor> Backward);

    private readonly Arena _arena;
    private readonly List<Node> _nodes = [];
    private readonly List<Tensor> _adopted = [];
    private readonly bool _records;
    private bool _inBlock;

    public Tape(ComputeDevice device, bool record)
    {
        Device = device;
        _records = record;
        _arena = new Arena(device);
    }

    public ComputeDevice Device { get; }

    /// <summary>Whether ops keep what their backward needs.</summary>
    public bool Recording => _records && !_inBlock;

    /// <summary>Whether a block of <see cref="Recompute"/> runs once more for its gradients: what an op leaves behind besides its output has been left already.</summary>
    public bool Repeating { get; private set; }

    /// <summary>Whether <see cref="Recompute"/> trades time for memory; false at first.</summary>
    public bool Recomputes { get; init; }

    /// <summary>Gets the output of every layer with the layer's name, in the order of computation; null, as at first, for none.</summary>
    public Action<string, Tensor>? Tracer { get; init; }

    /// <summary>Hands a layer's output to the <see cref="Tracer"/>.</summary>
    /// <returns>The output.</returns>
    public Tensor Trace(string layer, Tensor output)
    {
        Tracer?.Invoke(layer, output);
        return output;
    }

    /// <summary>A tensor with undefined contents that lives as long as the tape, or until its gradient has been passed on.</summary>
    public Tensor New(Shape shape, DType type = DType.F32) => _arena.New(shape, type);

    /// <summary>The arena of the tape, for inputs that live as long as it does.</summary>
    public Arena Arena => _arena;

    /// <summary>
    /// Opens a frame: a tape that does not record frees, when the frame is disposed, what was made since, except what <see cref="TapeFrame.Keep"/>
    /// named. A recording tape ignores frames, because backward needs the activations and frees them itself.
    /// </summary>
    public TapeFrame Frame() => new(Recording ? null : _arena);

    /// <summary>
    /// Frees a tensor that was made in the innermost open frame and is needed no more, before the frame ends. Does nothing on a recording tape.
    /// </summary>
    public void Discard(Tensor tensor)
    {
        if (!Recording) _arena.Release(tensor);
    }

    /// <summary>
    /// Declares <paramref name="output"/> as computed from <paramref name="inputs"/> (null entries allowed). <paramref name="backward"/>
    /// gets the output's gradient and adds to each input's through <see cref="GradOf"/>.
    /// </summary>
    public Tensor Record(Tensor output, ReadOnlySpan<Tensor?> inputs, Action<Tensor> backward)
    {
        if (!_records) return output;
        foreach (var input in inputs)
        {
            if (input is not { RequiresGrad: true }) continue;
            output.RequiresGrad = true;
            if (Recording) _nodes.Add(new Node(output, backward));
            break;
        }
        return output;
    }

    /// <summary>
    /// Runs a block of the network (activation checkpointing, Chen et al. 2016). On a recording tape that <see cref="Recomputes"/> nothing but
    /// the block's output is kept, and backward runs the block once more for the activations that its gradients need; these have the same bits.
    /// </summary>
    /// <param name="block">
    /// Gives an output made in it, no view; must do the same each time it runs. What it reads lives until the backward pass has gone by it.
    /// </param>
    public Tensor Recompute(Func<Tensor> block)
    {
        if (!Recomputes || !Recording) return block();
        Tensor output;
        _inBlock = true;
        try
        {
            using var frame = Frame();
            output = frame.Keep(block());
        }
        finally
        {
            _inBlock = false;
        }
        if (output.ViewOf is not null) throw new InvalidOperationException($"the output {output} of a block that is recomputed is a view");
        if (output.RequiresGrad)
        {
            _nodes.Add(new Node(output, dy =>
            {
                int start = _nodes.Count;
                var again = Repeat(block);
                Unwind(again, dy, start);
                again.Release();
            }));
        }
        return output;
    }

    /// <summary>
    /// Where an op writes the gradient of its input: the buffer, and whether it already holds a part to add to. Ask once per op and input.
    /// </summary>
    public GradTarget GradOf(Tensor input)
    {
        var owner = input.ViewOf ?? input;
        bool accumulate = owner.Grad is not null;
        owner.Grad ??= _arena.New(owner.Shape);
        var grad = owner.Grad;
        return new GradTarget(ReferenceEquals(owner, input) ? grad : grad.View(input.Shape.ToArray()), accumulate);
    }

    /// <summary>
    /// Passes an output's gradient on unchanged. Without a copy where the input has none yet; so it must be the last thing a backward does
    /// with <paramref name="dy"/>, and for one input only.
    /// </summary>
    public void PassGrad(Tensor input, Tensor dy)
    {
        if (!input.RequiresGrad) return;
        var owner = input.ViewOf ?? input;
        if (owner.Grad is null)
        {
            dy.Storage.Retain();
            owner.Grad = new Tensor(Device, dy.Storage, 0, dy.Type, owner.Shape);
            _adopted.Add(owner.Grad);
            return;
        }
        InPlace.AddInto(Device, owner.Grad, dy);
    }

    /// <summary>
    /// Computes every gradient of <paramref name="weight"/> times <paramref name="loss"/>, which has one element and keeps its value.
    /// </summary>
    public void Backward(Tensor loss, float weight = 1)
    {
        if (!Recording) throw new InvalidOperationException("this tape does not record");
        if (loss.Count != 1) throw new ArgumentException($"the loss must be a scalar, it is {loss.Shape}");
        var seed = _arena.New(loss.Shape);
        InPlace.Constant(seed, weight);
        Backward(loss, seed);
    }

    /// <summary>As above from a given gradient of <paramref name="output"/>: a vector-Jacobian product.</summary>
    public void Backward(Tensor output, Tensor seed) => Unwind(output, seed, 0);

    public void Dispose()
    {
        foreach (var tensor in _adopted) tensor.Release();
        _arena.Dispose();
    }

    private Tensor Repeat(Func<Tensor> block)
    {
        Repeating = true;
        try
        {
            return block();
        }
        finally
        {
            Repeating = false;
        }
    }

    /// <summary>Runs the nodes from <paramref name="start"/> on in reverse and removes them.</summary>
    private void Unwind(Tensor output, Tensor seed, int start)
    {
        output.Grad = seed;
        for (int i = _nodes.Count - 1; i >= start; i--)
        {
            var (y, backward) = _nodes[i];
            _nodes.RemoveAt(i);
            if (y.Grad is { } dy)
            {
                backward(dy);
                dy.Release();
                y.Grad = null;
            }
            if (!ReferenceEquals(y, output)) y.Release();
        }
    }
}

/// <summary>Destination of a gradient. With <see cref="Accumulate"/> the op adds, otherwise it overwrites.</summary>
public readonly record struct GradTarget(Tensor Tensor, bool Accumulate);
