namespace CudaAttribution.Attribution;

/// <summary>Names of the files in a result folder.</summary>
public static class AttributionFiles
{
    public const string Result = "result.json";
    public const string Manifest = "manifest.json";
    public const string Report = "report.html";
    public const string NullTable = "null.json";

    /// <summary>Folder of the key set.</summary>
    public const string Keys = "keys";

    /// <summary>The suspect's answer to key <paramref name="index"/>.</summary>
    public static string AnswerImage(int index) => $"images/{index:D3}-answer.png";
}
