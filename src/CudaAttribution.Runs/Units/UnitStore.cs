using System.Text.Json.Nodes;

namespace CudaAttribution.Runs.Units;

/// <summary>
/// A folder with the results of units by their ids, shared by all plans, workers and machines that see it: <c>units/ab/ID/</c> holds the unit's
/// description, and under <c>result</c> what it gave, which appears whole by a rename; <c>contents/ab/HASH</c> holds what units are made from
/// and no unit made.
/// </summary>
public sealed class UnitStore
{
    /// <summary>A unit's description, which also names its lock.</summary>
    public const string UnitFile = "unit.json";

    /// <summary>What the workers of a unit wrote on standard error.</summary>
    public const string LogFile = "log.txt";

    private const string ResultFolder = "result", PartialFolder = "partial-", UnitsFolder = "units", ContentsFolder = "contents", StoreFile = "store.json";
    private const string CurrentSchema = "cudattr-store-1";

    private readonly RunFolder _folder;

    private UnitStore(RunFolder folder) => _folder = folder;

    public string Root => _folder.Root;

    /// <summary>Opens a store.</summary>
    /// <exception cref="UserException">There is none, or it cannot be written to.</exception>
    public static UnitStore Open(string path)
    {
        string file = Path.Combine(path, StoreFile);
        if (!File.Exists(file)) throw new UserException("there is no store of units", "Check the path; a plan that is entered makes a store.", path);
        Json.CheckSchema(Json.Read<StoreDescription>(file, "store").Schema, CurrentSchema, file);
        return new UnitStore(new RunFolder(path));
    }

    /// <summary>Opens a store, and makes it in a folder that is empty or not there.</summary>
    /// <exception cref="UserException">The folder holds something else, or cannot be written to.</exception>
    public static UnitStore OpenOrCreate(string path)
    {
        if (!File.Exists(Path.Combine(path, StoreFile)))
        {
            if (Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any(e => Path.GetFileName(e)[0] != '.'))
                throw new UserException("this folder holds something else than units", "Name a store, or a folder that is empty or new.", path);
            new RunFolder(path).WriteJson(StoreFile, new StoreDescription(CurrentSchema));
        }
        return Open(path);
    }

    /// <summary>Where a unit's description, log and result are.</summary>
    public string FolderOf(string id) => Sharded(UnitsFolder, id);

    /// <summary>Where its result is, or will be.</summary>
    public string ResultOf(string id) => Path.Combine(FolderOf(id), ResultFolder);

    public bool IsFinished(string id) => File.Exists(Path.Combine(ResultOf(id), UnitManifest.FileName));

    /// <summary>Enters the units of a plan, so that workers find them by their ids. What is there stays.</summary>
    /// <exception cref="UserException">An input is neither in the plan nor in the store.</exception>
    public void Add(UnitGraph graph)
    {
        foreach (var unit in graph.Units)
        {
            foreach (string input in unit.Inputs.Where(i => !graph.Contains(i) && !Directory.Exists(FolderOf(i)) && !HasContent(i)))
                throw new UserException(
                    $"unit {unit.Id} of kind '{unit.Kind}' is made from {input}, which is neither in the plan nor in the store",
                    "Plan that unit too, or import the content.", Root);
        }
        foreach (var unit in graph.Units)
        {
            var folder = new RunFolder(FolderOf(unit.Id));
            if (!folder.Has(UnitFile)) folder.WriteJson(UnitFile, unit.Document());
        }
    }

    /// <summary>A unit by its id.</summary>
    /// <exception cref="UserException">The store has none, or its description is damaged.</exception>
    public WorkUnit Read(string id)
    {
        string file = Path.Combine(FolderOf(id), UnitFile);
        if (!File.Exists(file)) throw new UserException($"the store has no unit {id}", "Enter the plan that it belongs to.", Root);
        var unit = WorkUnit.Parse(Json.ReadText(file, "unit"), file);
        return unit.Id == id
            ? unit
            : throw new UserException("this description is not the one that its folder is named after", "Delete it, and enter the plan again.", file);
    }

    /// <summary>Ids of all units, sorted.</summary>
    public IReadOnlyList<string> Ids()
    {
        string units = _folder.Path(UnitsFolder);
        return Directory.Exists(units)
            ? [.. Directory.EnumerateDirectories(units).SelectMany(Directory.EnumerateDirectories).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)]
            : [];
    }

    /// <summary>The unit whose id begins with <paramref name="prefix"/>.</summary>
    /// <exception cref="UserException">None, or more than one.</exception>
    public string Resolve(string prefix)
    {
        string[] found = [.. Ids().Where(i => i.StartsWith(prefix, StringComparison.Ordinal)).Take(2)];
        return (prefix.Length, found.Length) switch
        {
            ( > 0, 1) => found[0],
            ( > 0, 2) => throw new UserException($"several units begin with '{prefix}'", "Give more digits of the id.", Root),
            _ => throw new UserException($"no unit begins with '{prefix}'", "List the units to see their ids.", Root),
        };
    }

    /// <summary>Units and everything they are made from, as far as units.</summary>
    /// <exception cref="UserException">The store lacks one of them.</exception>
    public UnitGraph GraphOf(IReadOnlyList<string> ids)
    {
        var units = new List<WorkUnit>();
        var seen = new HashSet<string>();
        var open = new Stack<(string Id, bool Left)>(ids.Reverse().Select(i => (i, false)));
        while (open.TryPop(out var at))
        {
            if (at.Left)
            {
                units.Add(Read(at.Id));
                continue;
            }
            if (HasContent(at.Id) || !seen.Add(at.Id)) continue;
            open.Push((at.Id, true));
            foreach (string input in Read(at.Id).Inputs) open.Push((input, false));
        }
        return new UnitGraph(units, ids);
    }

    public UnitState StateOf(string id)
    {
        string folder = FolderOf(id);
        if (IsFinished(id)) return UnitState.Finished;
        if (Claim.HolderOf(folder, UnitFile) is not null) return UnitState.Running;
        if (FailureOf(id) is not null) return UnitState.Failed;
        return Partials(id).Any() ? UnitState.Interrupted : UnitState.Planned;
    }

    /// <summary>The manifest of a finished unit.</summary>
    public UnitManifest ManifestOf(string id) => Json.Read<UnitManifest>(Path.Combine(ResultOf(id), UnitManifest.FileName), "manifest of a unit");

    /// <summary>Why the last attempt failed; null where it did not.</summary>
    public UnitFailure? FailureOf(string id)
    {
        string file = Path.Combine(FolderOf(id), UnitFailure.FileName);
        return File.Exists(file) ? Json.Read<UnitFailure>(file, "failure of a unit") : null;
    }

    /// <summary>What is known of why a unit has no result: the failure that its worker noted, else the last line of its log; null for neither.</summary>
    public string? ReasonOf(string id) => FailureOf(id)?.Reason ?? WorkerLog.LastWord(Path.Combine(FolderOf(id), LogFile));

    /// <summary>Files of a finished unit that are not what they were: changed, missing, or new.</summary>
    public IReadOnlyList<string> Changed(string id)
    {
        var now = FileHashes.Of(ResultOf(id), n => n != UnitManifest.FileName);
        var then = ManifestOf(id).Outputs;
        return [.. now.Keys.Union(then.Keys).Where(n => now.GetValueOrDefault(n) != then.GetValueOrDefault(n)).Order(StringComparer.Ordinal)];
    }

    /// <summary>Keeps a file or a folder that units are made from. One that is there already is not copied again.</summary>
    /// <returns>
    /// What it is called as an input: of a file, the SHA-256 of its bytes; of a folder, that of the canonical JSON of its files' hashes by
    /// relative path.
    /// </returns>
    public string Import(string path)
    {
        bool file = File.Exists(path);
        if (!file && !Directory.Exists(path)) throw new UserException("there is nothing to import", "Check the path.", path);
        string hash = file ? RunFolder.HashFile(path) : HashOf(FileHashes.Of(path));
        if (HasContent(hash)) return hash;
        string target = ContentOf(hash), temporary = $"{target}.{Guid.NewGuid():N}.tmp";
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        try
        {
            if (file) File.Copy(path, temporary);
            else foreach (string name in FileHashes.Of(path).Keys)
            {
                string copy = Path.Combine(temporary, name);
                Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
                File.Copy(Path.Combine(path, name), copy);
            }
            string copied = file ? RunFolder.HashFile(temporary) : HashOf(FileHashes.Of(temporary));
            if (copied != hash) throw new UserException("this changed while it was imported", "Import it when nobody writes to it.", path);
            if (file) File.Move(temporary, target, overwrite: true);
            else MoveUnlessThere(temporary, target);
        }
        finally
        {
            if (File.Exists(temporary)) File.Delete(temporary);
            if (Directory.Exists(temporary)) Directory.Delete(temporary, recursive: true);
        }
        return hash;
    }

    /// <summary>Where each input of a unit is.</summary>
    /// <exception cref="UserException">One is not there yet.</exception>
    internal IReadOnlyList<string> InputsOf(WorkUnit unit) =>
    [
        .. unit.Inputs.Select(input =>
            IsFinished(input) ? ResultOf(input)
            : HasContent(input) ? ContentOf(input)
            : throw new UserException(
                $"unit {unit.Id} is made from {input}, which is not there yet", "Compute that unit first, or import the content.", Root)),
    ];

    /// <summary>A folder to compute a unit in, for the holder of its claim.</summary>
    /// <param name="id">The unit.</param>
    /// <param name="claim">The claim.</param>
    /// <param name="resume">Whether what an earlier attempt left is taken along.</param>
    internal RunFolder BeginPartial(string id, Claim claim, bool resume)
    {
        string own = Path.Combine(FolderOf(id), PartialFolder + claim.Nonce);
        foreach (string left in Partials(id))
        {
            if (resume && !Directory.Exists(own)) Directory.Move(left, own);
            else Directory.Delete(left, recursive: true);
        }
        var folder = new RunFolder(own);
        folder.DeleteTemporaries();
        return folder;
    }

    /// <summary>Makes a complete folder the unit's result.</summary>
    internal void Publish(string id, RunFolder partial) => Directory.Move(partial.Root, ResultOf(id));

    internal void Fail(string id, string reason) =>
        new RunFolder(FolderOf(id)).WriteJson(UnitFailure.FileName, new UnitFailure(DateTimeOffset.UtcNow, Environment.MachineName, reason));

    internal void ForgetFailure(string id) => File.Delete(Path.Combine(FolderOf(id), UnitFailure.FileName));

    private static string HashOf(IReadOnlyDictionary<string, string> files) =>
        CanonicalJson.Hash(new JsonObject(files.Select(f => KeyValuePair.Create<string, JsonNode?>(f.Key, f.Value))));

    private static void MoveUnlessThere(string from, string to)
    {
        try
        {
            Directory.Move(from, to);
        }
        catch (IOException) when (Directory.Exists(to))
        {
            // Another process has imported the same content meanwhile.
        }
    }

    private IEnumerable<string> Partials(string id) => Directory.Exists(FolderOf(id)) ? Directory.EnumerateDirectories(FolderOf(id), PartialFolder + "*") : [];

    private bool HasContent(string hash) => File.Exists(ContentOf(hash)) || Directory.Exists(ContentOf(hash));

    private string ContentOf(string hash) => Sharded(ContentsFolder, hash);

    // 256 folders: a store holds a hundred thousand units, and folders of that many entries are slow to list.
    private string Sharded(string folder, string id) => WorkUnit.IsId(id)
        ? _folder.Path(Path.Combine(folder, id[..2], id))
        : throw new UserException($"'{id}' is no id", $"Give its {WorkUnit.IdLength} lower-case digits.", Root);

    private sealed record StoreDescription(string Schema);
}
