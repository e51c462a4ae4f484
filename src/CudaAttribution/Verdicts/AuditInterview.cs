using CudaAttribution.Answers;
using CudaAttribution.Chain;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Runs;

namespace CudaAttribution.Verdicts;

/// <summary>
/// Asks one model what a committed plan says and keeps each answer, chained to the commitment, before the next is asked. An interview that was cut off
/// goes on behind its last answer; an answer is never asked for twice.
/// </summary>
/// <param name="folder">The model's folder: its chain and its pictures.</param>
/// <param name="plan">The plan.</param>
/// <param name="commit">What was committed to; the chain begins with it.</param>
public sealed class AuditInterview(RunFolder folder, AuditPlan plan, string commit)
{
    public const string ChainFile = "chain.jsonl", PicturesFolder = "answers";

    private const string Kind = "chain of answers";

    /// <summary>Asks until the rule says that it is over, or the service is another model than it was.</summary>
    /// <param name="model">The model.</param>
    /// <param name="purpose">What its noise is for.</param>
    /// <param name="rule">Is told each answer in the order asked.</param>
    /// <param name="progress">Queries answered, of all.</param>
    /// <param name="cancel">Stops before the next query.</param>
    /// <exception cref="UserException">What was kept was touched, or the model cannot be asked further.</exception>
    public void Ask(
        IImageModel model, NoisePurpose purpose, StoppingRule rule, Action<int, int>? progress = null, CancellationToken cancel = default)
    {
        using var claim = Claim.Lock(folder, ChainFile);
        Query[] queries = [.. plan.QueriesTo(model.Identity, purpose).Take(rule.Planned)];
        using var chain = HashChain<AuditRecord>.Open(folder, ChainFile, commit, Kind);
        AuditRecord[] kept = [.. chain.Records];
        if (kept is [.., { Ended: not null }]) return;
        foreach (var record in kept)
        {
            if (rule.Take(Kept(folder.Root, record, model.Identity, queries))) return;
        }
        try
        {
            AskRest(model, queries, chain, kept, rule, progress, cancel);
        }
        catch (ServiceChangedException e)
        {
            chain.Append(new() { Model = model.Identity, Ended = e.Message });
        }
    }

    private void AskRest(
        IImageModel model, IReadOnlyList<Query> queries, HashChain<AuditRecord> chain, AuditRecord[] kept, StoppingRule rule, Action<int, int>? progress,
        CancellationToken cancel)
    {
        int taken = 0;
        foreach (var asked in Rest(model, queries, kept, cancel))
        {
            var record = AuditRecord.Of(model.Identity, queries[asked.Query], asked);
            if (taken++ < kept.Length && model.KeepsAnswers)
            {
                if (record != kept[taken - 1])
                    throw new UserException(
                        $"answer {taken} of '{model.Name}' is not the one that the chain holds", "Restore the folder as it was.", folder.Root);
                continue;
            }
            if (asked.Answer.Image is { } image) folder.WriteImage(PictureOf(asked.Query), image);
            chain.Append(record);
            progress?.Invoke(chain.Count, queries.Count);
            if (rule.Take(asked)) break;
        }
    }

    /// <summary>Reads the answers of an interview that is over.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <param name="plan">The plan.</param>
    /// <param name="commit">What was committed to.</param>
    /// <param name="identity">The model.</param>
    /// <exception cref="UserException">The chain or a picture was touched.</exception>
    public static IEnumerable<AskedAnswer> Read(string folder, AuditPlan plan, string commit, string identity)
    {
        // What is asked does not depend on the purpose of its noise.
        var queries = plan.QueriesTo(identity, NoisePurpose.Testing);
        return HashChain<AuditRecord>.Read(Path.Combine(folder, ChainFile), commit, Kind).Where(r => r.Ended is null).Select(r => Kept(folder, r, identity, queries));
    }

    /// <summary>Why an interview ended before the plan did; null where it did not.</summary>
    public static string? EndOf(string folder, string commit) => HashChain<AuditRecord>.Read(Path.Combine(folder, ChainFile), commit, Kind).LastOrDefault()?.Ended;

    /// <summary>The hash of the last answer of an interview that is over.</summary>
    public static string HeadOf(string folder, string commit) => HashChain<AuditRecord>.HeadOf(Path.Combine(folder, ChainFile), commit, Kind);

    private static IEnumerable<AskedAnswer> Rest(IImageModel model, IReadOnlyList<Query> queries, AuditRecord[] kept, CancellationToken cancel)
    {
        if (model.KeepsAnswers) return model.Ask(queries, cancel);
        var answered = kept.Select(r => r.Query!.Value).ToHashSet();
        int[] open = [.. Enumerable.Range(0, queries.Count).Where(i => !answered.Contains(i))];
        return model.Ask([.. open.Select(i => queries[i])], cancel).Select(a => new AskedAnswer(open[a.Query], Usability.Checked(a.Answer)));
    }

    private static AskedAnswer Kept(string folder, AuditRecord record, string identity, IReadOnlyList<Query> queries)
    {
        if (record.Query is not { } query || record.Model != identity || query < 0 || query >= queries.Count || record.Prompt != queries[query].Prompt
            || record.Picture is null == record.Failure is null)
        {
            throw new UserException(
                $"the answer to query {record.Query} is none to the committed plan", "Restore the file as it was written.", Path.Combine(folder, ChainFile));
        }
        return new(query, record.Picture is { } hash
            ? Answer.Of(PictureFiles.Read(Path.Combine(folder, PictureOf(query)), hash, "Restore the file."), record.Receipt)
            : Answer.Failed(record.Failure!, record.Receipt));
    }

    private static string PictureOf(int query) => $"{PicturesFolder}/{query:D4}.png";
}
