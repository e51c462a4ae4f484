namespace CudaAttribution.Tensors.Tests;

/// <summary>The golden files of <c>tests/golden</c>, made by <c>build/oracle/make_golden.py</c>.</summary>
internal static class Golden
{
    /// <summary>Full path of a file, found from the folder of the test assembly upwards.</summary>
    public static string File(string name)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string path = Path.Combine(folder.FullName, "tests", "golden", name);
            if (System.IO.File.Exists(path)) return path;
        }
        throw new FileNotFoundException($"tests/golden/{name} is in no folder above {AppContext.BaseDirectory}");
    }
}
