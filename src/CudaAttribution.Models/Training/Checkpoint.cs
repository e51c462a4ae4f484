using System.Text.Json.Nodes;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Runs;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Training;

/// <summary>
/// The whole state of a training run after a number of steps, as a folder <c>step-NNNNNNNN</c> with <c>state.safetensors</c> (weights, moments,
/// average, losses) and <c>run.json</c> (what the run is: another run's checkpoint is refused). It appears whole or not at all.
/// </summary>
/// <param name="Step">Steps done.</param>
/// <param name="Run">What decides the result of the run: options, data, start.</param>
/// <param name="State">Every tensor by name, in the layout of memory; closed with the checkpoint.</param>
internal sealed record Checkpoint(int Step, JsonObject Run, IWeightSource State) : IDisposable
{
    private const string StateFile = "state.safetensors", RunFile = "run.json", FolderPrefix = "step-";

    /// <summary>Keeps other processes from the folder of the checkpoints.</summary>
    /// <exception cref="UserException">Another one has it.</exception>
    public static Claim Lock(string folder) => Claim.Lock(new RunFolder(folder), RunFile);

    /// <summary>Writes the checkpoint and then removes older ones.</summary>
    /// <exception cref="ModelFileException">The folder cannot be written.</exception>
    public void Write(string folder)
    {
        var older = Steps(folder).Where(s => s != Step).ToArray();
        AtomicFolder.Write(
            PathOf(folder, Step),
            temporary =>
            {
                File.WriteAllText(Path.Combine(temporary, RunFile), ConfigJson.Text(Run));
                SafetensorsWriter.Write(Path.Combine(temporary, StateFile), State);
            },
            mayReplace: _ => true);
        foreach (int step in older) AtomicFolder.Remove(PathOf(folder, step));
    }

    /// <summary>Whether the folder has checkpoints.</summary>
    public static bool Any(string folder) => Steps(folder).Any();

    /// <summary>The newest checkpoint, or null where there is none.</summary>
    /// <param name="folder">Folder of the checkpoints; leftovers of a killed run in it are removed.</param>
    /// <param name="run">What this run is.</param>
    /// <exception cref="ModelFileException">
    /// It is damaged, or belongs to a run that would give something else; the message says what differs.
    /// </exception>
    public static Checkpoint? Newest(string folder, JsonObject run)
    {
        if (!Directory.Exists(folder)) return null;
        AtomicFolder.Sweep(folder);
        int newest = Steps(folder).DefaultIfEmpty(-1).Max();
        if (newest < 0) return null;
        string path = PathOf(folder, newest);
        var saved = ConfigJson.Load(Path.Combine(path, RunFile), "what the checkpointed run was");
        RequireSame(path, saved, run);
        try
        {
            return new Checkpoint(newest, saved, SafetensorsFile.Open(Path.Combine(path, StateFile)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ModelFileException($"the checkpoint {path} cannot be read; remove this folder to begin anew: {e.Message}", e);
        }
    }

    public void Dispose() => State.Dispose();

    private static IEnumerable<int> Steps(string folder)
    {
        if (!Directory.Exists(folder)) yield break;
        foreach (string path in Directory.EnumerateDirectories(folder, FolderPrefix + "*"))
        {
            if (int.TryParse(Path.GetFileName(path)[FolderPrefix.Length..], out int step)) yield return step;
        }
    }

    private static string PathOf(string folder, int step) => Path.Combine(folder, $"{FolderPrefix}{step:D8}");

    private static void RequireSame(string path, JsonObject saved, JsonObject run)
    {
        string all = string.Join("; ", JsonDifference.Between(saved, run));
        if (all.Length > 0)
        {
            throw new ModelFileException(
                $"the checkpoint {path} belongs to another run: {all}. Resume with the same settings, or use another folder");
        }
    }
}
