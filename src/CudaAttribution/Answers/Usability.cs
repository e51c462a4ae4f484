using System.Text.Json.Serialization;
using CudaAttribution.Images;

namespace CudaAttribution.Answers;

/// <summary>Which answers say nothing about a model: those without a picture, and pictures that show nothing.</summary>
/// <param name="Answers">Answers looked at.</param>
/// <param name="Unusable">Those that say nothing.</param>
/// <param name="Planned">Largest share of them that a verdict may rest on.</param>
/// <param name="Reason">Why they are unusable, most of them; null where all are usable.</param>
public sealed record Usability(int Answers, int Unusable, double Planned, string? Reason)
{
    /// <summary>Share of unusable answers that is planned for unless a plan says otherwise.</summary>
    public const double DefaultShare = 0.2;

    /// <summary>A picture with a shorter side is an error's placeholder or a tracking pixel.</summary>
    public const int LeastSide = 8;

    /// <summary>Every channel within ±2 of one level, as JPEG leaves a plain picture.</summary>
    private const int BlankRange = 4;

    /// <summary>With fewer pictures alike a model may just be poor.</summary>
    private const int LeastAlike = 3;

    public double Share => Answers == 0 ? 0 : (double)Unusable / Answers;

    /// <summary>Whether there are too many for any verdict.</summary>
    [JsonIgnore]
    public bool TooMany => Share > Planned;

    /// <summary>In words: how many, and why.</summary>
    public override string ToString() =>
        FormattableString.Invariant($"{Unusable} of {Answers} answers are unusable ({100 * Share:0.#} %, planned are {100 * Planned:0.#} % at most)")
        + (Reason is null ? "" : $", most often: {Reason}");

    /// <summary>Why a picture shows nothing; null where it may show something.</summary>
    public static string? Problem(RgbImage image)
    {
        if (Math.Min(image.Width, image.Height) < LeastSide)
            return $"the picture is {image.Width} x {image.Height} pixels, no picture that a model draws has a side below {LeastSide}";
        var (least, most) = (new int[] { 255, 255, 255 }, new int[3]);
        for (int i = 0; i < image.Pixels.Length; i += 3)
        {
            for (int c = 0; c < 3; c++)
            {
                int level = image.Pixels[i + c];
                if (level < least[c]) least[c] = level;
                if (level > most[c]) most[c] = level;
                if (most[c] - least[c] > BlankRange) return null;
            }
        }
        return most.Max() <= BlankRange
            ? "the picture is all black"
            : $"the picture is blank: one colour, #{Middle(0):x2}{Middle(1):x2}{Middle(2):x2}";

        int Middle(int channel) => (least[channel] + most[channel]) / 2;
    }

    /// <summary>The answer, or a failure where its picture shows nothing. What a service gave was looked at as it came.</summary>
    public static Answer Checked(Answer answer) =>
        answer is { Image: { } image, Receipt: null } && Problem(image) is { } problem ? Answer.Failed(problem) : answer;

    /// <summary>
    /// Looks at all answers of a run: failures, and all pictures where they are one and the same for different prompts.
    /// </summary>
    /// <param name="answers">Prompts with their answers; they are gone through once and not held.</param>
    /// <param name="planned">Largest share of unusable answers that a verdict may rest on.</param>
    public static Usability Of(IEnumerable<(string Prompt, Answer Answer)> answers, double planned = DefaultShare)
    {
        var reasons = new List<string>();
        RgbImage? first = null;
        var prompts = new HashSet<string>();
        int count = 0;
        bool alike = true;
        foreach (var (prompt, answer) in answers)
        {
            count++;
            if (answer.Image is not { } image)
            {
                reasons.Add(answer.Failure!);
                continue;
            }
            prompts.Add(prompt);
            alike &= image.Equals(first ??= image);
        }
        int pictures = count - reasons.Count;
        if (alike && pictures >= LeastAlike && prompts.Count > 1)
            reasons.AddRange(Enumerable.Repeat($"the same picture was given for {prompts.Count} different prompts", pictures));
        return new(count, reasons.Count, planned, Commonest(reasons));
    }

    // What a service says differs in details behind the colon.
    private static string? Commonest(List<string> reasons) =>
        reasons.GroupBy(r => r.Split(':')[0]).MaxBy(g => g.Count())?.CountBy(r => r).MaxBy(r => r.Value).Key;
}
