using CudaAttribution.Answers;
using CudaAttribution.Images;
using CudaAttribution.Models.Files.Sources;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;
using CudaAttribution.Verdicts;

namespace CudaAttribution.Experiments.Audits;

/// <summary>How often a model, asked again, gave the very answer that an audit holds.</summary>
/// <param name="Name">The model.</param>
/// <param name="Same">Answers with the same pixels, or the same failure.</param>
/// <param name="Answers">Answers that were asked for again.</param>
public sealed record Replayed(string Name, int Same, int Answers);

/// <summary>
/// Asks local models of a finished audit again. The same weights, sampled alike, give the same bits on every device, so that whoever has a model can see
/// whether it gave these answers. A service need not repeat itself; what it said is in its journal.
/// </summary>
/// <param name="folder">The audit.</param>
/// <param name="device">Where models run.</param>
public sealed class AuditReplay(string folder, ComputeDevice device)
{
    /// <summary>Asks one model all that it was asked.</summary>
    /// <param name="reference">The model.</param>
    /// <param name="progress">Queries answered, of all.</param>
    /// <param name="cancel">Stops before the next query.</param>
    /// <exception cref="UserException">The model is none of the audit, or the audit was touched.</exception>
    public Replayed Run(ModelReference reference, Action<int, int>? progress = null, CancellationToken cancel = default)
    {
        var (plan, commit) = AuditVerifier.Committed(folder);
        using var model = LocalModel.Open(reference, device, plan.Sampling);
        var (name, place, purpose) = Find(plan, model.Identity) ?? throw new UserException(
            $"the model {model.Identity[..12]}… is neither suspect nor control of this audit", "Give one of its models.", reference.Path);
        AskedAnswer[] kept = [.. AuditInterview.Read(Path.Combine(folder, place), plan, commit, model.Identity)];
        var queries = plan.QueriesTo(model.Identity, purpose);
        int same = 0, done = 0;
        foreach (var asked in model.Ask([.. kept.Select(k => queries[k.Query])], cancel))
        {
            var (before, now) = (kept[asked.Query].Answer, Usability.Checked(asked.Answer));
            if (before.Failure == now.Failure && Hash(before) == Hash(now)) same++;
            progress?.Invoke(++done, kept.Length);
        }
        return new(name, same, kept.Length);
    }

    private static (string Name, string Place, NoisePurpose Purpose)? Find(AuditPlan plan, string identity)
    {
        for (int i = 0; i < plan.Suspects.Count; i++)
            if (plan.Suspects[i].Identity == identity) return (plan.Suspects[i].Name, AuditPlaces.OfSuspect(plan, i), NoisePurpose.Testing);
        for (int i = 0; i < plan.Controls.Count; i++)
            if (plan.Controls[i].Identity == identity) return (plan.Controls[i].Name, AuditPlaces.OfControl(plan, i), NoisePurpose.Control);
        return null;
    }

    private static string? Hash(Answer answer) => answer.Image is { } image ? ImageHash.Of(image) : null;
}
