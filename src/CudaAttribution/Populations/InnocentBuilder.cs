using CudaAttribution.Answers;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;
using CudaAttribution.Tensors;

namespace CudaAttribution.Populations;

/// <summary>Builds the innocents of a plan from G0, one folder each, and their <c>innocents.json</c>. What is finished is kept.</summary>
public sealed class InnocentBuilder(ComputeDevice device, FineTuner tuner)
{
    /// <param name="plan">What to build.</param>
    /// <param name="planFolder">Folder that paths of the plan are relative to.</param>
    /// <param name="path">Where to build.</param>
    /// <param name="progress">The member at work and its progress.</param>
    /// <param name="cancel">Stops at the next checkpoint.</param>
    public InnocentSet Build(
        InnocentPlan plan, string planFolder, string path, Action<InnocentMemberPlan, UnitProgress>? progress = null,
        CancellationToken cancel = default)
    {
        var folder = new RunFolder(path);
        var set = new InnocentSet(folder.Root, [.. plan.Models.Select(m => m.Family == InnocentFamily.Untouched ? Untouched(m) : Built(m))]);
        set.Save();
        return set;

        Innocent Untouched(InnocentMemberPlan member) => new(
            member.Name, member.Family, member.Split, tuner.BaseIdentity,
            Path.GetRelativePath(folder.Root, Path.GetFullPath(LocalModel.ModelFolder(tuner.BaseFolder))));

        Innocent Built(InnocentMemberPlan member)
        {
            var data = member.Data!.Load(tuner.Size, planFolder);
            var model = plan.ModelOf(member, data);
            var sampling = plan.Sampling with { Guidance = model.SourceGuidance ?? plan.Sampling.Guidance };
            using var sibling = member.Source is { } source ? LocalModel.Open(Path.Combine(planFolder, source), device, sampling) : null;
            var inputs = sibling is null
                ? new ModelInputs { Real = data }
                : new ModelInputs { Source = sibling, PromptPool = [.. data.Items.Select(i => i.Caption)] };
            var record = new ModelBuilder(tuner).Build(
                folder.Path(member.Name), model, inputs, p => progress?.Invoke(member, p), cancel);
            return new Innocent(member.Name, member.Family, member.Split, record.Identity, $"{member.Name}/{ModelFiles.Model}");
        }
    }
}
