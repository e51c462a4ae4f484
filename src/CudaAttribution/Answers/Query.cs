namespace CudaAttribution.Answers;

/// <summary>What a query's noise is for. Noise of one purpose is never used for another (docs/method.md "Noise and splits").</summary>
public enum NoisePurpose
{
    /// <summary>Choosing keys: the source and the SEL innocents.</summary>
    Selection,

    /// <summary>The source's own rate on its frozen keys.</summary>
    SourceRate,

    /// <summary>CAL innocents.</summary>
    Calibration,

    /// <summary>NULL innocents.</summary>
    NullScoring,

    /// <summary>The suspect.</summary>
    Testing,

    /// <summary>Prompts that are no keys, put to a remote suspect between the keys; no test uses the answers.</summary>
    Decoys,

    /// <summary>Pictures that a suspect or innocent is trained on.</summary>
    TrainingData,

    /// <summary>The source and its twins, whose pictures a suspect's answers are compared with.</summary>
    TwinDraws,

    /// <summary>Pictures that the source serves.</summary>
    Served,

    /// <summary>Counterfactuals of served pictures: what the source could have served just as well.</summary>
    Fresh,

    /// <summary>A model that cannot know the served pictures, asked what the suspect is asked.</summary>
    Control,

    /// <summary>Shadow models, whose answers a discriminator learns from, and the base model that they are compared with.</summary>
    Shadows,
}

/// <summary>The noise a picture starts from: number <paramref name="Index"/> of the Philox stream <see cref="Stream"/> under a seed.</summary>
/// <param name="Purpose">What it is for.</param>
/// <param name="Subject">Who is asked: the model's identity.</param>
/// <param name="Seed">The run's seed.</param>
/// <param name="Index">Number of the picture.</param>
public readonly record struct NoiseId(NoisePurpose Purpose, string Subject, ulong Seed, long Index)
{
    /// <summary>Name of the stream: purpose and model.</summary>
    public string Stream => $"{Purpose}/{Subject}";
}

/// <summary>
/// One prompt sent to a model, with the noise a local model starts from. Remote models ignore the noise: no test relies on seed control
/// (docs/method.md "Setting").
/// </summary>
public sealed record Query(string Prompt, NoiseId Noise);

/// <summary>
/// Fresh noise for the queries of one model and one purpose: no two queries of a run share noise, and the same seed gives the same queries.
/// </summary>
/// <param name="purpose">What the queries are for.</param>
/// <param name="seed">The run's seed.</param>
/// <param name="subject">The model that is asked, by <see cref="IImageModel.Identity"/>.</param>
public sealed class NoiseStream(NoisePurpose purpose, ulong seed, string subject)
{
    /// <summary>Query number <paramref name="index"/>.</summary>
    public Query Ask(string prompt, long index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        return new(prompt, new NoiseId(purpose, subject, seed, index));
    }
}
