using System.Text.Json;
using System.Text.Json.Nodes;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;
using CudaAttribution.Runs;

namespace CudaAttribution.Answers;

/// <summary>
/// Answers by what they are answers to: model, its setup and recipe, prompt and noise. What is in the store is never asked again, also not by another
/// command or after a kill: each picture is on disk before its line in <c>answers.jsonl</c>, a line a query.
/// </summary>
/// <remarks>
/// A model that keeps a record of its own (<see cref="IImageModel.KeepsAnswers"/>) is asked through: all of its queries at once, as its plan wants.
/// </remarks>
public sealed class AnswerStore : IDisposable
{
    /// <summary>The store's folder in the folder of a run. Its files need no hash in a manifest: each answer is checked by its line.</summary>
    public const string FolderName = "answers";

    private const string IndexFile = "answers.jsonl";

    /// <summary>Queries that are asked before the answers are written: what a kill can lose.</summary>
    private const int Portion = 64;

    private readonly RunFolder? _folder;
    private readonly Claim? _claim;
    private readonly Dictionary<string, StoredAnswer> _stored = [];
    private readonly Dictionary<string, Answer> _inMemory = [];

    private AnswerStore(RunFolder? folder) => (_folder, _claim) = (folder, folder is null ? null : Claim.Lock(folder, IndexFile));

    /// <summary>A store that lives as long as the process.</summary>
    public static AnswerStore InMemory() => new(null);

    /// <summary>The store of a run, in <see cref="FolderName"/> of its folder.</summary>
    /// <exception cref="UserException">Another process has it, or its index is damaged.</exception>
    public static AnswerStore Of(RunFolder run)
    {
        var store = new AnswerStore(run.Folder(FolderName));
        try
        {
            store.ReadIndex();
            return store;
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>Deletes the store of a run that nobody has; what a kill leaves of it holds no answer.</summary>
    public static void Remove(RunFolder run)
    {
        string folder = run.Path(FolderName);
        if (!Directory.Exists(folder)) return;
        File.Delete(Path.Combine(folder, IndexFile));
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>Whether a file of a run's folder belongs to its store.</summary>
    /// <param name="name">Path relative to the run's folder.</param>
    public static bool Holds(string name) => name.StartsWith(FolderName + "/", StringComparison.Ordinal);

    /// <summary>Asks a model what the store does not have yet.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts.</param>
    /// <param name="draws">Pictures of each prompt.</param>
    /// <param name="noise">Picture k of prompt i gets its noise number <c>i · draws + k</c>.</param>
    /// <param name="progress">Queries answered, of all.</param>
    /// <param name="cancel">Stops between portions; what was answered is kept.</param>
    /// <exception cref="UserException">The model broke its contract, or a kept answer was changed.</exception>
    public AnswerSheet Ask(
        IImageModel model, IReadOnlyList<string> prompts, int draws, NoiseStream noise, Action<int, int>? progress = null,
        CancellationToken cancel = default)
    {
        var answer = Ask(
            model, [.. prompts.SelectMany((prompt, i) => Enumerable.Range(0, draws).Select(k => noise.Ask(prompt, ((long)i * draws) + k)))], progress, cancel);
        return new AnswerSheet(prompts, draws, answer);
    }

    /// <summary>Asks a model those of the queries that the store does not have yet.</summary>
    /// <param name="model">The model.</param>
    /// <param name="queries">The queries.</param>
    /// <param name="progress">Queries answered, of all.</param>
    /// <param name="cancel">Stops between portions; what was answered is kept.</param>
    /// <returns>What reads the answer to a query by its number.</returns>
    /// <exception cref="UserException">The model broke its contract, or a kept answer was changed.</exception>
    public Func<int, Answer> Ask(IImageModel model, IReadOnlyList<Query> queries, Action<int, int>? progress = null, CancellationToken cancel = default)
    {
        if (model.KeepsAnswers)
        {
            var answers = model.Answers(queries, cancel);
            return i => answers[i];
        }
        string[] ids = [.. queries.Select(q => IdOf(model, q))];
        int[] missing = [.. Enumerable.Range(0, ids.Length).Where(i => !Has(ids[i])).DistinctBy(i => ids[i])];
        int done = queries.Count - missing.Length;
        progress?.Invoke(done, queries.Count);
        foreach (int[] portion in missing.Chunk(Portion))
        {
            cancel.ThrowIfCancellationRequested();
            var answers = model.Answers([.. portion.Select(i => queries[i])], cancel);
            Keep([.. portion.Select((i, k) => (ids[i], answers[k]))]);
            progress?.Invoke(done += portion.Length, queries.Count);
        }
        return i => Load(ids[i]);
    }

    public void Dispose() => _claim?.Dispose();

    private static string IdOf(IImageModel model, Query query) => CanonicalJson.Hash(new JsonObject
    {
        ["model"] = model.Identity,
        ["setup"] = model.Setup,
        ["sampling"] = JsonSerializer.SerializeToNode(model.Sampling, Json.Options),
        ["prompt"] = query.Prompt,
        ["stream"] = query.Noise.Stream,
        ["seed"] = query.Noise.Seed,
        ["index"] = query.Noise.Index,
    });

    private JsonLines<StoredAnswer> Lines => new(_folder!, IndexFile, "index of answers");

    private static string FileOf(string id) => $"{id[..2]}/{id}.png";

    private bool Has(string id) => _stored.ContainsKey(id) || _inMemory.ContainsKey(id);

    private void Keep(IReadOnlyList<(string Id, Answer Answer)> answers)
    {
        if (_folder is null)
        {
            foreach (var (id, answer) in answers) _inMemory.Add(id, answer);
            return;
        }
        StoredAnswer[] lines = [.. answers.Select(a => new StoredAnswer(a.Id, a.Answer.Image is { } image ? ImageHash.Of(image) : null, a.Answer.Failure))];
        foreach (var (id, answer) in answers)
        {
            if (answer.Image is { } image) _folder.WriteImage(FileOf(id), image);
        }
        Lines.Append(lines);
        foreach (var line in lines) _stored.Add(line.Id, line);
    }

    private Answer Load(string id)
    {
        if (_folder is null) return _inMemory[id];
        var line = _stored[id];
        if (line.ImageSha256 is null) return Answer.Failed(line.Failure!);
        return Answer.Of(PictureFiles.Read(_folder.Path(FileOf(id)), line.ImageSha256, "Restore the file, or remove the folder of answers."));
    }

    private void ReadIndex()
    {
        foreach (var answer in Lines.Read())
        {
            if (answer.ImageSha256 is null == answer.Failure is null)
                throw new UserException("a line has neither picture nor failure, or both", "Remove the folder of answers.", _folder!.Path(IndexFile));
            _stored[answer.Id] = answer;
        }
    }

    private sealed record StoredAnswer(string Id, string? ImageSha256, string? Failure);
}
