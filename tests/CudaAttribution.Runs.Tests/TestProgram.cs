using System.Diagnostics;

namespace CudaAttribution.Runs.Tests;

/// <summary>This assembly as a program: what the tests need another process for.</summary>
internal static class TestProgram
{
    public static int Main(string[] arguments)
    {
        switch (arguments)
        {
            case ["hold", var folder, var file]:
                using (Claim.Lock(new RunFolder(folder), file))
                {
                    Console.WriteLine("held");
                    Thread.Sleep(Timeout.Infinite);
                }
                return 0;
            case ["increment", var folder, var file, var rounds]:
                Increment(new RunFolder(folder), file, int.Parse(rounds));
                return 0;
            default:
                Console.Error.WriteLine($"unknown: {string.Join(' ', arguments)}");
                return 2;
        }
    }

    /// <summary>Starts it.</summary>
    public static Process Start(params string[] arguments) => Process.Start(
        new ProcessStartInfo("dotnet", [typeof(TestProgram).Assembly.Location, .. arguments]) { RedirectStandardOutput = true })!;

    private static void Increment(RunFolder folder, string file, int rounds)
    {
        string number = folder.Path("number");
        for (int done = 0; done < rounds;)
        {
            using var claim = Claim.TryLock(folder, file);
            if (claim is null)
            {
                Thread.Yield();
                continue;
            }
            int n = File.Exists(number) ? int.Parse(File.ReadAllText(number)) : 0;
            Thread.Yield();
            File.WriteAllText(number, $"{n + 1}");
            done++;
        }
    }
}
