using CudaAttribution.Runs.Units;

namespace CudaAttribution.Runs.Tests.Units;

/// <summary>Writes numbered files and is cut off after some of them the first time; goes on from what is there.</summary>
internal sealed class CountKind(int breakAfter = int.MaxValue) : IUnitKind
{
    public string Name => "count-1";

    public bool Resumes => true;

    /// <summary>Files that this instance wrote.</summary>
    public int Written { get; private set; }

    public void Check(WorkUnit unit)
    {
    }

    public void Compute(UnitWork work)
    {
        for (int i = 0; i < 6; i++)
        {
            if (work.Folder.Has($"{i}")) continue;
            if (Written == breakAfter)
            {
                File.WriteAllText(work.Folder.Path($"{i}.4711.tmp"), "half a fil");
                throw new UserException("cut off", "Go on.");
            }
            work.Folder.Write($"{i}", $"{i * i}");
            Written++;
        }
    }
}
