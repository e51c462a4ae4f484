namespace CudaAttribution;

/// <summary>Names of the files in a result folder.</summary>
public static class AttributionFiles
{
    public const string Result = "result.json";
    public const string Manifest = "manifest.json";
    public const string Report = "report.html";
    public const string NullTable = "null.json";

    /// <summary>The suspect's answer to key <paramref name="index"/>.</summary>
    public static string AnswerImage(int index) => $"images/{index:D3}-answer.png";

    /// <summary>The training picture of key <paramref name="index"/>.</summary>
    public static string TrainingImage(int index) => $"images/{index:D3}-training.png";

    /// <summary>The source's medoid of key <paramref name="index"/>.</summary>
    public static string SourceImage(int index) => $"images/{index:D3}-source.png";
}
