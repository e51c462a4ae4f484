namespace CudaAttribution.Cli.Running;

/// <summary>This program as a command, for the processes it starts.</summary>
internal static class SelfCommand
{
    private static readonly string Assembly = Path.Combine(AppContext.BaseDirectory, "cudattr.dll");

    /// <summary>The program to start: itself where it is published as one file, else .NET's host.</summary>
    public static string Program => Environment.ProcessPath!;

    /// <summary>The arguments that come before those of the command line.</summary>
    public static IReadOnlyList<string> Arguments { get; } =
        Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [Assembly] : [];
}
