using System.Text.RegularExpressions;
using CudaAttribution.Runs;

namespace CudaAttribution.Remote;

/// <summary>
/// What prompts mean at services that read more than words in them: AUTOMATIC1111 (<c>prompt_parser.py</c>, <c>extra_networks.py</c>) and ComfyUI
/// (<c>sd1_clip.py</c>). Every other service takes a prompt as it stands.
/// </summary>
public sealed partial class PromptSyntax
{
    private readonly string _escaped;
    private readonly (Regex Pattern, string Meaning)[] _meanings;

    private PromptSyntax(string escaped, params (Regex, string)[] meanings) => (_escaped, _meanings) = (escaped, meanings);

    /// <summary>Takes everything as text.</summary>
    public static PromptSyntax Plain { get; } = new("");

    // A backslash before any character makes it text, also one before a backslash.
    private static PromptSyntax WebUi { get; } = new(
        @"()[]\", (Network(), "names a network"), (Bar(), "is a bar"), (Word(), "joins prompts"), (Weight(), "weights the prompt"),
        (Comment(), "begins a comment"));

    // Only parentheses are read, and a backslash stands for itself unless a parenthesis follows.
    private static PromptSyntax Comfy { get; } = new("()", (Choice(), "chooses by chance"), (Embedding(), "names an embedding"));

    public static PromptSyntax Of(HttpPreset preset) => preset switch
    {
        HttpPreset.Automatic1111 => WebUi,
        HttpPreset.ComfyUi => Comfy,
        _ => Plain,
    };

    /// <summary>The prompt as the service must be told it, so that it reads these words and nothing else; it must not be <see cref="Unsafe"/>.</summary>
    public string Escape(string prompt) => string.Concat(prompt.Select(c => _escaped.Contains(c) ? $@"\{c}" : $"{c}"));

    /// <summary>What in a prompt the service understands as something else than text and no escape mends; null where there is nothing.</summary>
    public string? Unsafe(string prompt)
    {
        foreach (var (pattern, meaning) in _meanings)
        {
            if (pattern.Match(prompt) is { Success: true } found) return $"'{found.Value}' {meaning}";
        }
        return null;
    }

    /// <summary>Whether all of several services take a prompt as text.</summary>
    /// <param name="descriptions">Files that describe them.</param>
    /// <exception cref="UserException">A description makes no sense.</exception>
    public static Func<string, bool> TakenAsText(IEnumerable<string> descriptions)
    {
        PromptSyntax[] read = [.. descriptions.Select(file => HttpService.Load(file).Syntax)];
        return prompt => read.All(s => s.Unsafe(prompt) is null);
    }

    [GeneratedRegex(@"<\w+:[^>]+>")]
    private static partial Regex Network();

    // Alternatives in brackets and, with a common extension, choices in braces.
    [GeneratedRegex(@"\|")]
    private static partial Regex Bar();

    [GeneratedRegex(@"\b(AND|BREAK)\b")]
    private static partial Regex Word();

    [GeneratedRegex(@":\s*[-+]?(\d+\.?|\d*\.\d+)\s*$")]
    private static partial Regex Weight();

    [GeneratedRegex("#")]
    private static partial Regex Comment();

    // By ComfyUI's own page, and by common nodes.
    [GeneratedRegex(@"\{[^{}]*\|[^{}]*\}")]
    private static partial Regex Choice();

    [GeneratedRegex(@"\bembedding:")]
    private static partial Regex Embedding();
}
