using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Manifests;

namespace CudaAttribution.Remote;

/// <summary>
/// Every answer of a remote suspect, kept the moment it came: the picture first, then its line. A run that was killed continues behind the last line;
/// the one query that was in flight is known with its calls and their cost.
/// </summary>
internal sealed class QueryJournal : IDisposable
{
    public const string PlanFile = "query-plan.json";
    public const string PendingFile = "query-pending.json";

    private readonly RunFolder _folder;
    private readonly Claim _claim;
    private readonly List<QueryRecord> _records;
    private PendingQuery? _pending;

    private QueryJournal(RunFolder folder, Claim claim, QueryPlan plan, List<QueryRecord> records, PendingQuery? pending)
    {
        (_folder, _claim, Plan, _records, _pending) = (folder, claim, plan, records, pending);
        PlanSha256 = RunFolder.HashFile(folder.Path(PlanFile));
    }

    public QueryPlan Plan { get; }

    public string PlanSha256 { get; }

    /// <summary>The answers so far, in the order of the plan.</summary>
    public IReadOnlyList<QueryRecord> Records => _records;

    /// <summary>What all calls so far cost.</summary>
    public decimal Spent => _records.Sum(r => r.Cost) + (_pending?.Cost ?? 0);

    /// <summary>Begins a journal, or continues the one that is there. Until it is disposed no other process can open it.</summary>
    /// <exception cref="UserException">The folder is in use, holds the journal of another plan, or was changed.</exception>
    public static QueryJournal Open(RunFolder folder, QueryPlan plan)
    {
        var claim = Claim.Lock(folder, PlanFile);
        try
        {
            return Open(folder, plan, claim);
        }
        catch
        {
            claim.Dispose();
            throw;
        }
    }

    private static QueryJournal Open(RunFolder folder, QueryPlan plan, Claim claim)
    {
        string file = folder.Path(PlanFile);
        if (!folder.Has(PlanFile))
        {
            if (folder.Has(ServiceSummary.JournalFile))
                throw new UserException("answers are here without their plan", "Restore the folder, or name another one.", file);
            folder.WriteJson(PlanFile, plan);
        }
        var stored = Json.Read<QueryPlan>(file, "query plan");
        if (!stored.Matches(plan))
        {
            throw new UserException(
                "this folder holds the answers of another run (other suspect, keys, decoys or seed)", "Name another folder.", folder.Root);
        }
        var records = ReadRecords(folder, stored);
        var pending = folder.Has(PendingFile) ? Json.Read<PendingQuery>(folder.Path(PendingFile), "pending query") : null;
        return new QueryJournal(folder, claim, stored, records, pending?.Number == records.Count ? pending : null);
    }

    /// <summary>The query in flight where the run was cut off; null where it had not begun.</summary>
    public PendingQuery? Pending(int number) => _pending?.Number == number ? _pending : null;

    /// <summary>Notes that a call is about to be made, or what became of it.</summary>
    public void Note(PendingQuery pending)
    {
        _folder.WriteJson(PendingFile, pending);
        _pending = pending;
    }

    /// <summary>Keeps an answer.</summary>
    public void Add(QueryRecord record, RgbImage? image, byte[]? response)
    {
        if (response is not null) _folder.Write(record.Response!, response);
        if (image is not null) _folder.WriteImage(record.Image!, image);
        Lines(_folder).Append(record);
        _records.Add(record);
        _pending = null;
        File.Delete(_folder.Path(PendingFile));
    }

    /// <summary>The picture of a record, as it came; null where there is none.</summary>
    /// <exception cref="UserException">It is missing or was changed.</exception>
    public RgbImage? ImageOf(QueryRecord record)
    {
        if (record.Image is not { } name) return null;
        return PictureFiles.Read(_folder.Path(name), record.ImageSha256!, "Restore the file, or start in another folder.");
    }

    /// <exception cref="UserException">The body of the answer is missing or was changed.</exception>
    public void CheckResponse(QueryRecord record)
    {
        if (record.Response is not { } name) return;
        string file = _folder.Path(name);
        if (!File.Exists(file) || RunFolder.HashFile(file) != record.ResponseSha256)
            throw new UserException("the answer was changed after it was kept, or is missing", "Restore the file, or start in another folder.", file);
    }

    public void Dispose() => _claim.Dispose();

    private static List<QueryRecord> ReadRecords(RunFolder folder, QueryPlan plan)
    {
        var records = new List<QueryRecord>();
        foreach (var record in Lines(folder).Read())
        {
            var planned = records.Count < plan.Queries.Count ? plan.Queries[records.Count] : null;
            if (record.Number != records.Count || planned != new PlannedQuery(record.Kind, record.Index, record.Prompt))
                throw new UserException(
                    $"line {records.Count + 1} is not the answer to query {records.Count} of the plan", "Restore the file, or name another folder.",
                    folder.Path(ServiceSummary.JournalFile));
            records.Add(record);
        }
        return records;
    }

    private static JsonLines<QueryRecord> Lines(RunFolder folder) => new(folder, ServiceSummary.JournalFile, "journal of queries");
}
