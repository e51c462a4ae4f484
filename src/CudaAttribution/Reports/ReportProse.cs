using System.Globalization;
using CudaAttribution.Driver;
using CudaAttribution.Evidence;
using CudaAttribution.Populations;
using CudaAttribution.Runs.Manifests;

namespace CudaAttribution.Reports;

/// <summary>The paragraphs of the reports.</summary>
internal static class ReportProse
{
    /// <summary>What the figures mean, for the owner of the source and for the other side's expert.</summary>
    public static string Meaning(AttributionResult r, NullTable? nulls) =>
        $"""
        <h2>What this means</h2>
        <div class="cols">
        <div><h3>For the owner of the source</h3>
        <p>{r.Conf.Trials} prompts were chosen on which the source gives itself away. The suspect answered {r.Conf.Count} of them with nearly the source's
        picture.{Highest(r.Conf, "The most that any reference innocent reaches is")} Of {r.Paired.Trials} answers, {r.Paired.Count} lie closer to what the
        source makes than to the real picture it learnt from.{Highest(r.Paired, "The most that any reference innocent reaches is")}</p>
        <p>Neither figure tells the source's output from a lawful twin: a model trained on the same real pictures in the same way makes the same mistakes. That
        is why each must be ranked among twins too, and stays an indication however small p is.</p></div>
        <div><h3>For the other side's expert</h3>
        <ul>
        <li>Keys, threshold and rules were frozen before the first query to the suspect; their SHA-256 is in every file and is checked at each
        load.</li>
        {References(nulls)}
        <li>Every query used fresh noise; no control over the suspect's seed is assumed.
        {(r.Failures == 0 ? "No answer failed." : $"Failed answers, counted as misses: {r.Failures}.")}</li>
        <li>{Overlap(r.Overlap)}</li>
        <li>The intervals take the keys as independent draws and describe these keys, not every prompt.</li>
        </ul></div>
        </div>
        """;

    /// <summary>Device, versions, seed and inputs.</summary>
    public static string RunTable(RunManifest run, IEnumerable<(string Name, string Value)> first)
    {
        var d = run.Device;
        string units = DeviceInfo.UnitsOf(d.Binding, d.Multiprocessors);
        (string, string)[] rows =
        [
            .. first,
            ("seed", run.Seed.ToString(CultureInfo.InvariantCulture)),
            ("device", $"{d.Id}: {d.Name}, {d.InstructionSet}, {units}, {d.Binding} {d.DriverVersion}"),
            ("mathematics", d.MathLibrary),
            ("pictures", run.ImageCodec),
            ("kernels", d.KernelImage),
            ("kernels (SHA-256)", d.KernelsSha256),
            ("program", $"CudaAttribution {run.Version}, {run.Runtime}, {run.OperatingSystem}"),
            .. run.Inputs.Select(i => (i.Key, i.Value)),
        ];
        return Html.Table(["what", "value"], rows.Select(r => (IReadOnlyList<string>)[Html.Text(r.Item1), $"<code>{Html.Text(r.Item2)}</code>"]));
    }

    /// <summary>Program, version with its source revision cut to a readable length, and time.</summary>
    public static string RunLine(RunManifest run)
    {
        int plus = run.Version.IndexOf('+', StringComparison.Ordinal);
        string version = plus < 0 ? run.Version : run.Version[..Math.Min(run.Version.Length, plus + 11)];
        return Html.Text($"CudaAttribution {version} · {run.Started.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)} UTC");
    }

    /// <summary>Arguments as a shell line.</summary>
    public static string CommandLine(IEnumerable<string> arguments) => string.Join(' ', arguments.Select(Quote));

    private static string Quote(string argument) => argument.Length > 0 && argument.All(c => char.IsLetterOrDigit(c) || "-_./:=,+@".Contains(c))
        ? argument
        : $"'{argument.Replace("'", "'\\''")}'";

    private static string References(NullTable? nulls) => nulls is null
        ? "<li>No reference innocents were given: the counts are compared with nothing.</li>"
        : $"""
        <li>The {nulls.Of(InnocentSplit.Null).Count()} reference innocents that the suspect is ranked among took no part in choosing keys or thresholds.
        A rank p holds as far as the suspect, if innocent, is exchangeable with one of their families.</li>
        <li>“Model-based” is the range of the tails of beta-binomials that fit the references' counts; it is as good as the fit of a few counts, and is not a
        p-value.</li>
        """;

    private static string Highest(Indication i, string sentence) =>
        i.Families.All(f => f.References == 0) ? "" : $" {sentence} {i.Families.SelectMany(f => f.Counts).Max()}.";

    private static string Overlap(PromptOverlap overlap) => overlap.Regime == PromptRegime.Unknown
        ? "Which prompts the suspect was trained on is not known; if few key prompts were among them, conf is lower than it could be."
        : $"Prompt regime {overlap.Regime.ToString().ToLowerInvariant()}: {Share(overlap.Kappa)} of the key prompts were among the suspect's "
            + $"training prompts (κ), {Share(overlap.KappaGenerated)} with a picture made by the source.";

    private static string Share(double? share) => share is { } value ? Html.Percent(value) : "an unknown share";
}
