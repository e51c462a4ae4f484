using System.Globalization;
using System.Text;
using CudaAttribution.Runs;

namespace CudaAttribution.Populations;

/// <summary>The losses of one training run, by step.</summary>
public sealed record LossCurve(string Name, IReadOnlyList<(int Step, double Loss)> Losses);

/// <summary>The loss of every step as <c>losses.csv</c>: header <c>step,loss</c>, steps from 1.</summary>
public static class LossLog
{
    private const string Header = "step,loss";
    private static readonly CultureInfo Invariant = CultureInfo.InvariantCulture;

    public static string Format(IReadOnlyList<float> losses)
    {
        var text = new StringBuilder(Header).Append('\n');
        for (int i = 0; i < losses.Count; i++) text.Append(Invariant, $"{i + 1},{losses[i]:R}\n");
        return text.ToString();
    }

    /// <exception cref="UserException">Missing or not such a file.</exception>
    public static IReadOnlyList<(int Step, double Loss)> Read(string file)
    {
        string[] lines = Json.ReadText(file, "loss log").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var losses = new List<(int, double)>();
        for (int i = 1; i < lines.Length; i++)
        {
            string[] cells = lines[i].Split(',');
            double loss = 0;
            if (cells.Length != 2 || !int.TryParse(cells[0], Invariant, out int step) || !double.TryParse(cells[1], Invariant, out loss))
                throw new UserException($"line {i + 1} is not 'step,loss'", "Restore the file, or build the model again.", file);
            losses.Add((step, loss));
        }
        return lines.Length > 0 && lines[0] == Header ? losses : throw new UserException(
            $"the first line is not '{Header}'", "Restore the file, or build the model again.", file);
    }

    /// <summary>The loss curve of a model, where <paramref name="folder"/> is one that it was built in.</summary>
    public static IReadOnlyList<LossCurve> Of(string folder, string name)
    {
        string file = Path.Combine(folder, ModelFiles.Losses);
        return File.Exists(file) ? [new LossCurve(name, Read(file))] : [];
    }
}
