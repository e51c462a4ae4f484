using System.Diagnostics;
using System.Runtime.InteropServices;
using CudaAttribution.Runs.Tests.Units;
using CudaAttribution.Runs.Units;

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
            case ["unit", var id, var store]:
                return Work(id, UnitStore.Open(store));
            case ["units", var plan, var store, var jobs]:
                return Run(UnitPlan.Load(plan).Resolve(), UnitStore.OpenOrCreate(store), int.Parse(jobs));
            default:
                Console.Error.WriteLine($"unknown: {string.Join(' ', arguments)}");
                return 2;
        }
    }

    /// <summary>Starts it.</summary>
    public static Process Start(params string[] arguments) => Start(new Dictionary<string, string>(), arguments);

    /// <summary>Starts it with more environment variables.</summary>
    public static Process Start(IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(TestProgram).Assembly.Location, .. arguments]) { RedirectStandardOutput = true };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return Process.Start(start)!;
    }

    private static int Work(string id, UnitStore store)
    {
        using var output = new WorkerOutput(Console.Out, TimeSpan.Zero);
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(output.Unread);
        using var stop = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            cancel.Cancel();
        });
        try
        {
            output.Finish(new UnitWorker(store, TestUnits.Kinds).Run(id, output, cancel.Token));
            return 0;
        }
        catch (Exception e)
        {
            Console.Error.WriteLine($"worker: {e.Message}");
            return 1;
        }
    }

    private static int Run(UnitGraph graph, UnitStore store, int jobs)
    {
        var progress = new TestUnits.Listener(p =>
        {
            Console.WriteLine(new WorkerLine(p).Write());
            Console.Out.Flush();
        });
        store.Add(graph);
        return new LocalRunner(store, TestUnits.Worker(store), jobs).RunAsync(graph, progress).GetAwaiter().GetResult().IsComplete ? 0 : 1;
    }

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
