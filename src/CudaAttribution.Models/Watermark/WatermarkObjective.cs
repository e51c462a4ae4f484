using CudaAttribution.Models.Training;

namespace CudaAttribution.Models.Watermark;

/// <summary>
/// What the training of a watermark minimises, BCE(bits) + c · (picture · MSE + similarity · (1 − SSIM)), and through which noise. Over the curriculum
/// c rises from 0 to 1 and the amplitude falls: from random weights with c = 1 the encoder learns to change nothing before the decoder can read
/// (tried: after 200 steps the changes were below 0.002 and every bit was a guess).
/// </summary>
public sealed record WatermarkObjective
{
    /// <summary>Weight of the mean squared error between the marked picture and the picture, values in [0, 1].</summary>
    public double PictureWeight { get; init; } = 1;

    /// <summary>Weight of 1 − SSIM of the two.</summary>
    public double SimilarityWeight { get; init; } = 0.1;

    /// <summary>Amplitude at the first step; it falls linearly to that of the configuration.</summary>
    public double FirstAmplitude { get; init; } = 32.0 / 255;

    /// <summary>Steps of the curriculum; 0 for its end from the start.</summary>
    public int CurriculumSteps { get; init; } = 1000;

    /// <summary>Smallest side of the resize, over the picture's.</summary>
    public double SmallestResize { get; init; } = 0.5;

    /// <summary>Lowest quality of JPEG.</summary>
    public int LowestQuality { get; init; } = 50;

    /// <summary>Highest quality of JPEG.</summary>
    public int HighestQuality { get; init; } = 95;

    /// <summary>Standard deviation of the normal noise, values in [0, 1].</summary>
    public double NoiseDeviation { get; init; } = 0.02;

    /// <summary>Most that a picture is moved by along each axis, over its side; what it leaves repeats the border.</summary>
    public double LargestShift { get; init; } = 1.0 / 16;

    /// <summary>How far the curriculum is in a step, 0 to 1.</summary>
    /// <param name="step">From 0.</param>
    public double Progress(int step) => step >= CurriculumSteps ? 1 : (double)step / CurriculumSteps;

    /// <summary>Amplitude of a step.</summary>
    /// <param name="step">From 0.</param>
    /// <param name="last">Amplitude of the configuration.</param>
    public double Amplitude(int step, double last) => FirstAmplitude + ((last - FirstAmplitude) * Progress(step));

    /// <exception cref="CudaAttribution.Runs.UserException">A value makes no sense; the message names it.</exception>
    public void Validate()
    {
        TrainOptions.Require(PictureWeight >= 0 && double.IsFinite(PictureWeight), nameof(PictureWeight), PictureWeight, "zero or positive");
        TrainOptions.Require(SimilarityWeight >= 0 && double.IsFinite(SimilarityWeight), nameof(SimilarityWeight), SimilarityWeight, "zero or positive");
        TrainOptions.Require(FirstAmplitude is > 0 and <= 1, nameof(FirstAmplitude), FirstAmplitude, "in (0, 1]");
        TrainOptions.Require(CurriculumSteps >= 0, nameof(CurriculumSteps), CurriculumSteps, "zero or positive");
        TrainOptions.Require(SmallestResize is > 0 and <= 1, nameof(SmallestResize), SmallestResize, "in (0, 1]");
        TrainOptions.Require(LowestQuality is >= 1 and <= 100, nameof(LowestQuality), LowestQuality, "in 1 to 100");
        TrainOptions.Require(
            HighestQuality >= LowestQuality && HighestQuality <= 100, nameof(HighestQuality), HighestQuality, $"in {LowestQuality} to 100");
        TrainOptions.Require(NoiseDeviation is >= 0 and <= 1, nameof(NoiseDeviation), NoiseDeviation, "in [0, 1]");
        TrainOptions.Require(LargestShift is >= 0 and < 1, nameof(LargestShift), LargestShift, "in [0, 1)");
    }
}
