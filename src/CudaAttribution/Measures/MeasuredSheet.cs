using CudaAttribution.Answers;
using CudaAttribution.Images;

namespace CudaAttribution.Measures;

/// <summary>The distances of a sheet of answers from the references of its prompts, by one measure. No picture is held.</summary>
public sealed class MeasuredSheet
{
    private readonly double[][,] _distances;

    private MeasuredSheet(string measure, double[][,] distances) => (Measure, _distances) = (measure, distances);

    /// <summary>Name of the measure.</summary>
    public string Measure { get; }

    /// <summary>Distance of answer <paramref name="draw"/> to a prompt from one of its references.</summary>
    public double this[int prompt, int draw, int reference] => _distances[prompt][reference, draw];

    /// <summary>Measures every answer. One that never came is as far as can be, never left out.</summary>
    /// <param name="measure">The measure.</param>
    /// <param name="answers">The answers.</param>
    /// <param name="references">The references of a prompt, by its number.</param>
    public static MeasuredSheet Of(IPictureMeasure measure, AnswerSheet answers, Func<int, IReadOnlyList<RgbImage>> references) =>
        new(measure.Name, [.. Enumerable.Range(0, answers.Prompts.Count).Select(i => Of(measure, references(i), answers.To(i)))]);

    private static double[,] Of(IPictureMeasure measure, IReadOnlyList<RgbImage> references, Answer[] answers)
    {
        int[] came = [.. Enumerable.Range(0, answers.Length).Where(j => answers[j].Image is not null)];
        var measured = measure.Matrix(references, [.. came.Select(j => answers[j].Image!)]);
        var all = new double[references.Count, answers.Length];
        for (int r = 0; r < references.Count; r++)
        {
            for (int j = 0; j < answers.Length; j++) all[r, j] = measure.Maximum;
            for (int k = 0; k < came.Length; k++) all[r, came[k]] = measured[r, k];
        }
        return all;
    }
}
