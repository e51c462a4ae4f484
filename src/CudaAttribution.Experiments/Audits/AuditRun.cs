using System.Text.Json.Nodes;
using CudaAttribution.Answers;
using CudaAttribution.Chain;
using CudaAttribution.Measures;
using CudaAttribution.Reports;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Manifests;
using CudaAttribution.Tensors;
using CudaAttribution.Verdicts;

namespace CudaAttribution.Experiments.Audits;

/// <summary>
/// An audit from end to end: draws what the suspects will be compared with, commits to the plan, asks controls and suspects, and judges. Whatever stops
/// it, the same call goes on behind what is there; nothing is asked twice, and the plan stays what was committed to.
/// </summary>
/// <param name="device">Where models run.</param>
/// <param name="folder">The folder of the audit.</param>
/// <param name="options">What is audited.</param>
/// <param name="inputs">What the plan is made from; null where it is committed to already.</param>
/// <param name="register">The audits before this one.</param>
/// <param name="recorder">Notes what the run is given.</param>
/// <param name="progress">What is done, and how much of it.</param>
public sealed class AuditRun(
    ComputeDevice device, RunFolder folder, AuditOptions options, AuditInputs? inputs, AttemptRegister register, RunRecorder recorder,
    Action<string, int, int>? progress = null)
{
    private const string RunFile = "audit-run.json";

    /// <summary>Whether an audit of this folder was begun: whoever owns it has been told what it takes.</summary>
    public static bool IsBegun(string folder) => File.Exists(Path.Combine(folder, RunFile));

    /// <summary>Whether a folder's plan is committed to, so that it is made from nothing any more.</summary>
    public static bool IsCommitted(string folder) => File.Exists(Path.Combine(folder, Commitment.FileName));

    /// <summary>Runs or continues.</summary>
    /// <exception cref="UserException">An input makes no sense, or the folder is another audit's or was touched.</exception>
    public AuditResult Run(CancellationToken cancel = default)
    {
        options.Check();
        using var claim = Claim.Take(folder, RunFile, options, "audit");
        if (!IsCommitted(folder.Root)) Commit(cancel);
        var (plan, commit) = AuditVerifier.Committed(folder.Root);
        register.Enter(plan, commit, folder.Root);
        recorder.Input("commitment", commit);
        recorder.Input("source", plan.Source.Identity);
        var judge = new AuditJudge(folder.Root, plan, commit, MeasureRegistry.Create(plan.Measure, device));
        for (int i = 0; i < plan.Controls.Count; i++)
        {
            using var model = LocalModel.Open(i == 0 ? options.Source : options.Base!, device, plan.Sampling);
            Interview(plan, commit, folder.Folder(AuditPlaces.OfControl(plan, i)), plan.Controls[i], model, NoisePurpose.Control, new(plan, null, null), cancel);
        }
        for (int i = 0; i < plan.Suspects.Count; i++)
        {
            var place = folder.Folder(AuditPlaces.OfSuspect(plan, i));
            var suspect = plan.Suspects[i];
            using var opened = options.Open(options.Suspects[i], device, place, plan.Size);
            Interview(
                plan, commit, place, new(suspect.Name, suspect.Identity), opened.Model, NoisePurpose.Testing, new(plan, suspect, judge.Examiner()), cancel);
        }
        var result = judge.Judge();
        folder.WriteJson(AuditResult.FileName, result);
        folder.Write(ReportContext.FileName, AuditReport.Render(folder.Root, plan, result, judge, recorder.Describe()));
        return result;
    }

    private void Interview(
        AuditPlan plan, string commit, RunFolder place, AuditedModel asked, IImageModel model, NoisePurpose purpose, StoppingRule rule,
        CancellationToken cancel)
    {
        if (model.Identity != asked.Identity)
            throw new UserException($"'{asked.Name}' is not the model that the plan names (it changed)", "Restore it as it was.", folder.Root);
        new AuditInterview(place, plan, commit).Ask(model, purpose, rule, (done, of) => progress?.Invoke($"asking {asked.Name}", done, of), cancel);
    }

    private void Commit(CancellationToken cancel)
    {
        var planner = new AuditPlanner(device, folder, options, register, progress);
        folder.WriteJson(AuditPlan.FileName, planner.Plan(inputs ?? throw new InvalidOperationException("nothing to make a plan from"), cancel));
        AuditPlan.Load(folder.Root);
        Commitment.To(Json.Read<JsonNode>(folder.Path(AuditPlan.FileName), "audit plan")).Write(folder);
    }
}
