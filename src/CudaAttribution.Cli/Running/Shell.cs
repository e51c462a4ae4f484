using System.CommandLine;
using System.Text.Json;
using CudaAttribution.Cli.Options;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Driver;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Training;
using CudaAttribution.Runs;
using Spectre.Console;

namespace CudaAttribution.Cli.Running;

/// <summary>
/// Runs a command and turns what goes wrong into an exit code and, on standard error, one sentence where the user can mend it, the stack trace where
/// the program is wrong.
/// </summary>
internal static class Shell
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int WrongUsage = 2;
    public const int CheckFailed = 3;
    public const int Defect = 4;

    private const int RedirectedWidth = 160;

    /// <summary>Standard error: progress and messages, so that standard output holds results only.</summary>
    public static IAnsiConsole Messages { get; } = AnsiConsole.Create(new AnsiConsoleSettings
    {
        Out = new AnsiConsoleOutput(Console.Error),
        Ansi = Console.IsErrorRedirected ? AnsiSupport.No : AnsiSupport.Detect,
    });

    public static int Run(RootCommand root, string[] args)
    {
        if (Console.IsOutputRedirected)
        {
            // A file or a pipe shows no colours and has no width; the 80 columns assumed for it would break the tables.
            AnsiConsole.Profile.Capabilities.Ansi = false;
            AnsiConsole.Profile.Capabilities.ColorSystem = ColorSystem.NoColors;
            AnsiConsole.Profile.Width = RedirectedWidth;
        }
        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors) Console.Error.WriteLine($"cudattr: {error.Message}");
            Console.Error.WriteLine($"See '{CommandPath(parsed)} --help'.");
            return WrongUsage;
        }
        try
        {
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (Exception e) when (IsExpected(e))
        {
            string option = e is UserException { Setting: { } setting } ? $" (--{setting})" : "";
            Console.Error.WriteLine($"cudattr: {e.Message}{option}");
            return Failed;
        }
        catch (Exception e)
        {
            Console.Error.WriteLine($"cudattr: this is a defect of the program, nothing that you did wrong; please report it with these lines:\n{e}");
            return Defect;
        }
    }

    /// <summary>Prints a result as JSON for programs.</summary>
    public static void WriteJson<T>(T value) => Console.Out.WriteLine(JsonSerializer.Serialize(value, JsonOptions));

    public static JsonSerializerOptions JsonOptions { get; } = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    // What a user can cause or mend; weight files' problems are IOExceptions. NotFiniteNumberException is a training or a model that diverged.
    private static bool IsExpected(Exception e) => e is UserException or UsageException or ModelFileException or ImageDecodeException
        or TrainingMemoryException or DeviceException or NativeLibraryException or NotFiniteNumberException or IOException
        or UnauthorizedAccessException or OperationCanceledException;

    private static string CommandPath(ParseResult parsed)
    {
        var names = new Stack<string>();
        for (var at = parsed.CommandResult; at is not null; at = at.Parent as System.CommandLine.Parsing.CommandResult) names.Push(at.Command.Name);
        names.Pop();
        return string.Join(' ', names.Prepend("cudattr"));
    }
}
