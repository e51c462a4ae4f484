using System.Text.Json.Serialization;
using CudaAttribution.Runs;
using CudaAttribution.Statistics;

namespace CudaAttribution.Shadows;

/// <summary>A shadow model that a discriminator learned from.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Identity">Its identity as a model.</param>
/// <param name="Rho">Share of its training pictures that the source made; 0 is an innocent.</param>
/// <param name="HeldOut">Its score by a discriminator that learned from all others.</param>
public sealed record Shadow(string Name, string Identity, double Rho, double HeldOut);

/// <summary>A shadow model and its features.</summary>
public sealed record ShadowFeatures(string Name, double Rho, ModelFeatures Features);

/// <summary>A suspect's score.</summary>
/// <param name="Score">S: mean over the keys of the logit that the source's pictures were trained on.</param>
/// <param name="Threshold">t.</param>
/// <param name="Infringing">Whether S is above t: what the published method would decide.</param>
/// <param name="HeldOutAuc"><see cref="Discriminator.HeldOutAuc"/>: at 0.5 and below a score says nothing.</param>
public sealed record DiscriminatorScore(double Score, double Threshold, bool Infringing, double HeldOutAuc);

/// <summary>A suspect's score with those of the shadows: the file <c>score.json</c>.</summary>
/// <param name="Schema"><see cref="CurrentSchema"/>.</param>
/// <param name="Suspect">Its name.</param>
/// <param name="SuspectIdentity">Its identity as a model.</param>
/// <param name="Score">The score.</param>
/// <param name="Failures">Keys without an answer; they count as far as can be.</param>
/// <param name="Shadows">What it is to be seen beside.</param>
public sealed record ScoredSuspect(
    string Schema, string Suspect, string SuspectIdentity, DiscriminatorScore Score, int Failures, IReadOnlyList<Shadow> Shadows)
{
    public const string FileName = "score.json", CurrentSchema = "cudattr-score-1";
}

/// <summary>
/// Tells answers of models that were trained on the source's pictures from those of models that were not (Zhang et al. 2024, statistical level): logistic
/// regression on standardised features, learned from shadow models of both kinds. The file <c>discriminator.json</c>. What no shadow was like it does not
/// know: a score is an indication.
/// </summary>
public sealed record Discriminator
{
    public const string FileName = "discriminator.json", CurrentSchema = "cudattr-discriminator-1";

    public string Schema { get; init; } = CurrentSchema;

    public required FeatureDesign Design { get; init; }

    /// <summary>Names of the features.</summary>
    public required IReadOnlyList<string> Features { get; init; }

    public required Standardisation Standardisation { get; init; }

    public required LogisticRegression Regression { get; init; }

    /// <summary>t: midway between the means of the held-out scores of the two classes.</summary>
    public required double Threshold { get; init; }

    public required IReadOnlyList<Shadow> Shadows { get; init; }

    /// <summary>How well the held-out scores tell infringing from innocent shadows: the area under the ROC curve.</summary>
    [JsonIgnore]
    public double HeldOutAuc =>
        new Roc([.. Shadows.Where(s => s.Rho > 0).Select(s => s.HeldOut)], [.. Shadows.Where(s => s.Rho == 0).Select(s => s.HeldOut)]).Auc();

    /// <summary>Learns from shadows.</summary>
    /// <param name="shadows">At least two of each class: innocent is ρ = 0.</param>
    /// <param name="c">C of the regression.</param>
    /// <exception cref="UserException">Too few shadows, one twice, or features of different designs.</exception>
    public static Discriminator Fit(IReadOnlyList<ShadowFeatures> shadows, double c = 1)
    {
        Check(shadows);
        double[] heldOut = [.. shadows.Select((held, i) => Learn([.. shadows.Where((_, j) => j != i)], c).Score(held.Features.Rows))];
        double MeanOf(bool infringing) => shadows.Zip(heldOut).Where(s => s.First.Rho > 0 == infringing).Average(s => s.Second);
        var learned = Learn(shadows, c);
        return new Discriminator
        {
            Design = shadows[0].Features.Design,
            Features = FeatureExtractor.Names,
            Standardisation = learned.Standardisation,
            Regression = learned.Regression,
            Threshold = (MeanOf(true) + MeanOf(false)) / 2,
            Shadows = [.. shadows.Zip(heldOut).Select(s => new Shadow(s.First.Name, s.First.Features.Identity, s.First.Rho, s.Second))],
        };
    }

    /// <exception cref="UserException">Missing, or not a discriminator of this version.</exception>
    public static Discriminator Load(string file)
    {
        var discriminator = Json.Read<Discriminator>(file, "discriminator");
        Json.CheckSchema(discriminator.Schema, CurrentSchema, file);
        int width = FeatureExtractor.Names.Count;
        if (!discriminator.Features.SequenceEqual(FeatureExtractor.Names) || discriminator.Regression.Weights.Count != width
            || discriminator.Standardisation.Mean.Count != width || discriminator.Standardisation.Scale.Count != width
            || discriminator.Standardisation.Scale.Any(s => !(s > 0)))
            throw new UserException("its features are not those of this version", "Train it again.", file);
        return discriminator;
    }

    /// <summary>The score of a model.</summary>
    /// <exception cref="UserException">Its features are of another design, or it learned from this very model.</exception>
    public DiscriminatorScore Score(ModelFeatures model)
    {
        if (model.Design != Design)
            throw new UserException(
                $"the features are of {model.Design}, the discriminator learned from {Design}", "Make the features as the discriminator's were made.");
        if (Shadows.FirstOrDefault(s => s.Identity == model.Identity) is { } shadow)
            throw new UserException($"the model is the shadow '{shadow.Name}', which the discriminator learned from", "Score other models.");
        double score = new Learned(Standardisation, Regression).Score(model.Rows);
        return new(score, Threshold, score > Threshold, HeldOutAuc);
    }

    private static Learned Learn(IReadOnlyList<ShadowFeatures> shadows, double c)
    {
        double[][] rows = [.. shadows.SelectMany(s => s.Features.Rows)];
        bool[] labels = [.. shadows.SelectMany(s => s.Features.Rows.Select(_ => s.Rho > 0))];
        var standardisation = Standardisation.Of(rows);
        return new(standardisation, LogisticRegression.Fit([.. rows.Select(standardisation.Apply)], labels, c));
    }

    private static void Check(IReadOnlyList<ShadowFeatures> shadows)
    {
        int innocent = shadows.Count(s => s.Rho == 0), infringing = shadows.Count - innocent;
        if (innocent < 2 || infringing < 2)
            throw new UserException(
                $"there are {innocent} innocent and {infringing} infringing shadows", "Give at least two of each: each is held out once.");
        if (shadows.GroupBy(s => s.Features.Identity).FirstOrDefault(g => g.Count() > 1) is { } same)
            throw new UserException($"the shadows {string.Join(" and ", same.Select(s => $"'{s.Name}'"))} are the same model", "Give each once.");
        if (shadows.FirstOrDefault(s => s.Features.Design != shadows[0].Features.Design) is { } other)
            throw new UserException($"the features of '{other.Name}' are of another design than those of '{shadows[0].Name}'", "Make all alike.");
    }

    private sealed record Learned(Standardisation Standardisation, LogisticRegression Regression)
    {
        public double Score(IReadOnlyList<double[]> rows) => rows.Average(row => Regression.Logit(Standardisation.Apply(row)));
    }
}
