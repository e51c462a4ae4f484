namespace CudaAttribution.Answers;

/// <summary>One model's answers to prompts, the same number to each. Pictures are read as they are asked for and not held.</summary>
public sealed class AnswerSheet
{
    private readonly Func<int, Answer> _load;

    internal AnswerSheet(IReadOnlyList<string> prompts, int draws, Func<int, Answer> load) => (Prompts, Draws, _load) = (prompts, draws, load);

    public IReadOnlyList<string> Prompts { get; }

    /// <summary>Answers to each prompt.</summary>
    public int Draws { get; }

    /// <summary>Answer <paramref name="draw"/> to prompt <paramref name="prompt"/>.</summary>
    public Answer this[int prompt, int draw = 0] => _load((prompt * Draws) + draw);

    /// <summary>All answers to a prompt.</summary>
    public Answer[] To(int prompt) => [.. Enumerable.Range(0, Draws).Select(draw => this[prompt, draw])];
}
