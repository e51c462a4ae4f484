using CudaAttribution.Answers;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Evidence;
using CudaAttribution.Keys;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Manifests;

namespace CudaAttribution.Reports;

/// <summary>
/// Writes the folder of an examined suspect: the frozen keys, the null table if there is one, the answers, <c>result.json</c>, <c>report.html</c>, and
/// last <c>manifest.json</c>, so that the folder holds all that the indications rest on but the suspect.
/// </summary>
public static class AttributionFolder
{
    /// <returns>The manifest that was written.</returns>
    public static RunManifest Write(RunFolder folder, AttributionRun run, RunRecorder recorder, IReadOnlyList<LossCurve> losses)
    {
        recorder.Input("keys", run.Keys.Hash);
        recorder.Input("suspect", run.Result.SuspectIdentity);
        recorder.Remote = run.Result.Remote;
        run.Keys.Save(folder.Path(KeySet.FolderName));
        if (run.Nulls is not null)
        {
            folder.WriteJson(NullTable.FileName, run.Nulls);
            recorder.Input("null table", RunFolder.HashFile(folder.Path(NullTable.FileName)));
        }
        WriteResult(folder, run);
        folder.Write(ReportContext.FileName, AttributionReport.Render(run, new ReportContext(recorder.Describe(), losses)));
        var manifest = recorder.Describe(folder, name => !AnswerStore.Holds(name));
        folder.WriteJson(RunManifest.FileName, manifest);
        return manifest;
    }

    /// <summary>Writes what depends on keys, null table, suspect and options alone: <c>result.json</c> and the answers.</summary>
    public static void WriteResult(RunFolder folder, AttributionRun run)
    {
        foreach (var key in run.Examined)
        {
            if (key.Answer.Image is { } image) folder.WriteImage(key.Result.Image!, image);
        }
        folder.WriteJson(AttributionResult.FileName, run.Result);
    }

    /// <summary>Reads what <see cref="WriteResult"/> wrote.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="keys">The keys that were asked.</param>
    /// <param name="nulls">The null table that was compared with; null for none.</param>
    /// <exception cref="UserException">A file is missing or damaged, or the keys are not those of the result.</exception>
    public static AttributionRun ReadResult(string folder, KeySet keys, NullTable? nulls)
    {
        string file = Path.Combine(folder, AttributionResult.FileName);
        var result = AttributionResult.Load(file);
        if (result.KeysetSha256 != keys.Hash || result.Keys.Count != keys.ConfidenceCount
            || result.PairedOnlyKeys.Count != keys.Keys.Count - keys.ConfidenceCount)
            throw new UserException("this result was found with other keys", "Give the keys that were asked.", file);
        var (confidence, pairedOnly) = (new Queue<KeyResult>(result.Keys), new Queue<KeyResult>(result.PairedOnlyKeys));
        return new AttributionRun(result, keys, nulls, [.. keys.Keys.Select(Examined)]);

        ExaminedKey Examined(Key key)
        {
            var found = (key.ForConfidence ? confidence : pairedOnly).Dequeue();
            var answer = found.Image is { } image ? Answer.Of(PictureFiles.Read(Path.Combine(folder, image))) : Answer.Failed(found.Failure!);
            return new ExaminedKey(key, answer, found);
        }
    }
}
