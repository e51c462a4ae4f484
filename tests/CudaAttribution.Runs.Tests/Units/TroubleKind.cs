using System.Diagnostics;
using CudaAttribution.Runs.Units;

namespace CudaAttribution.Runs.Tests.Units;

/// <summary>Does not get done, in the way that it is told.</summary>
internal sealed class TroubleKind : IUnitKind
{
    public string Name => "trouble-1";

    public void Check(WorkUnit unit) => UnitSettings.Read<TroubleSettings>(unit);

    public void Compute(UnitWork work)
    {
        work.Folder.Write("begun", "");
        string how = UnitSettings.Read<TroubleSettings>(work.Unit).How;
        work.Report(how, 0, 1);
        switch (how)
        {
            case "user": throw new UserException("the disk is full", "Make room.");
            case "defect": throw new InvalidOperationException("this is a defect");
            case "silent": Environment.Exit(7); break;
            case "killed": Process.GetCurrentProcess().Kill(); break;
            case "endless":
                work.Cancel.WaitHandle.WaitOne();
                work.Cancel.ThrowIfCancellationRequested();
                break;
            case "deaf": Thread.Sleep(Timeout.Infinite); break;
            default: throw new ArgumentException(how);
        }
    }
}

internal sealed record TroubleSettings(string How, int Number = 0);
