namespace CudaAttribution.Tests;

/// <summary>The checkout that the tests lie in, for those that run its scripts.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    private static string Find()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "CudaAttribution.sln"))) folder = Path.GetDirectoryName(folder);
        return folder ?? throw new InvalidOperationException("the tests do not lie inside the repository");
    }
}
