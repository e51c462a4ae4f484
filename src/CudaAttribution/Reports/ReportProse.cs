using System.Globalization;

namespace CudaAttribution;

/// <summary>The paragraphs of the reports.</summary>
internal static class ReportProse
{
    /// <summary>What the figures mean, for the owner of the source and for the other side's expert.</summary>
    public static string Meaning(AttributionResult r, KeySet keys, NullTable nulls)
    {
        int models = nulls.Of(InnocentSplit.Null).Count();
        string best = r.ConfTest.Families.Count == 0 ? "" : $" The most that any reference innocent reaches is {r.ConfTest.Families.Max(f => f.Counts.Max())}.";
        string bestPaired = r.PairedTest.Families.Count == 0
            ? ""
            : $" Models that were trained on real pictures only reach at most {r.PairedTest.Families.Max(f => f.Counts.Max())} of {r.PairedTest.Trials}.";
        string detectable = r.SmallestDetectableRho is { } rho
            ? $"Had {Html.Percent(rho)} or more of the suspect's training pictures come from the source, this run would have said so nine times out of ten (estimated from the source's own answers)."
            : "Even a suspect trained on nothing but the source's pictures might have been missed by this run: use more keys or more innocents.";
        bool modelBased = r.ConfTest.Families.Concat(r.PairedTest.Families).Any(f => f.ModelBased);
        return $"""
            <h2>What this means</h2>
            <div class="cols">
            <div><h3>For the owner of the source</h3>
            <p>{r.N} prompts were chosen on which the source gives itself away. The suspect answered {r.Hits} of them with nearly the source's picture.{best}
            Of {r.PairedTest.Trials} answers, {r.PairedTest.Count} lie closer to what the source makes than to the real picture it learnt from.{bestPaired}</p>
            <p>The first figure asks whether something of the source's pictures is in the suspect at all; the second, whether it came from the source's output and not from the same real pictures, which others may lawfully use. Only both together make a case.</p>
            <p>{detectable}{(r.Verdict == Verdict.NotShown ? " “Not shown” is not “innocent”." : "")}</p></div>
            <div><h3>For the other side's expert</h3>
            <ul>
            <li>Keys, threshold and rules were frozen before the first query to the suspect; their SHA-256 is in every file and is checked at each load.</li>
            <li>The {models} reference innocents that give the p-values took no part in choosing keys or thresholds. The p-values hold as far as the suspect, if innocent, is exchangeable with one of their families.</li>
            <li>{(modelBased ? "With so few innocents ranks cannot go below the level needed, so tails of a fitted beta-binomial are used and marked “model-based”: keys of one model are taken to be correlated, never independent." : "All p-values are ranks among the innocents; no distribution is assumed.")}</li>
            <li>Every query used fresh noise; no control over the suspect's seed is assumed. {(r.Failures == 0 ? "No answer failed." : $"Failed answers, counted as misses: {r.Failures}.")}</li>
            <li>{Overlap(r.Overlap)}</li>
            <li>The intervals take the keys as independent draws and describe these keys, not every prompt.</li>
            </ul></div>
            </div>
            """;
    }

    /// <summary>The prompt regime in words.</summary>
    public static string Overlap(PromptOverlap overlap) => overlap.Regime == PromptRegime.Unknown
        ? "Which prompts the suspect was trained on is not known; if few key prompts were among them, conf is lower than it could be."
        : $"Prompt regime {overlap.Regime.ToString().ToLowerInvariant()}: {Share(overlap.Kappa)} of the key prompts were among the suspect's training prompts (κ), {Share(overlap.KappaGenerated)} with a picture made by the source.";

    /// <summary>Device, versions, seed and inputs.</summary>
    public static string RunTable(RunManifest run, IEnumerable<(string Name, string Value)> first)
    {
        var d = run.Device;
        (string, string)[] rows =
        [
            .. first,
            ("seed", run.Seed.ToString(CultureInfo.InvariantCulture)),
            ("device", $"{d.Id}: {d.Name}, {d.InstructionSet}, {d.Multiprocessors} {(d.Binding == "HostDriver" ? "threads" : "multiprocessors")}, {d.Binding} {d.DriverVersion}"),
            ("mathematics", d.MathLibrary),
            ("kernels (SHA-256)", d.KernelsSha256),
            ("program", $"CudaAttribution {run.Version}, {run.Runtime}, {run.OperatingSystem}"),
            .. run.Inputs.Select(i => (i.Key, i.Value)),
        ];
        return Html.Table(["what", "value"], rows.Select(r => (IReadOnlyList<string>)[Html.Text(r.Item1), $"<code>{Html.Text(r.Item2)}</code>"]));
    }

    /// <summary>The version with its source revision cut to a readable length.</summary>
    public static string Version(RunManifest run)
    {
        int plus = run.Version.IndexOf('+', StringComparison.Ordinal);
        return plus < 0 ? run.Version : run.Version[..Math.Min(run.Version.Length, plus + 11)];
    }

    /// <summary>Arguments as a shell line.</summary>
    public static string CommandLine(IEnumerable<string> arguments) =>
        string.Join(' ', arguments.Select(a => a.Length > 0 && a.All(c => char.IsLetterOrDigit(c) || "-_./:=,+@".Contains(c)) ? a : $"'{a.Replace("'", "'\\''")}'"));

    private static string Share(double? share) => share is { } value ? Html.Percent(value) : "an unknown share";
}
