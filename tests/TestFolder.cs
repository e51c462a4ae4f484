namespace CudaAttribution.Tests;

/// <summary>Folders of the running test.</summary>
internal static class TestFolder
{
    /// <summary>The path of a folder that does not exist yet.</summary>
    public static string New(string name)
    {
        string path = Path.Combine(TestContext.CurrentContext.WorkDirectory, "folders", TestContext.CurrentContext.Test.ID, name);
        if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
        return path;
    }
}
