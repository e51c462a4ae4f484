using CudaAttribution.Answers;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Evidence;
using CudaAttribution.Keys;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Manifests;

namespace CudaAttribution.Reports;

/// <summary>
/// Writes the folder of a judged suspect: the frozen keys, the null table, the answers, <c>result.json</c>, <c>report.html</c>, and last
/// <c>manifest.json</c>, so that the folder holds all that the verdict rests on but the suspect.
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
        folder.WriteJson(NullTable.FileName, run.Nulls);
        foreach (var key in run.Examined)
        {
            if (key.Answer.Image is { } image) folder.WriteImage(key.Result.Image!, image);
        }
        folder.WriteJson(AttributionResult.FileName, run.Result);
        recorder.Input("null table", RunFolder.HashFile(folder.Path(NullTable.FileName)));
        folder.Write(ReportContext.FileName, AttributionReport.Render(run, new ReportContext(recorder.Describe(), losses)));
        var manifest = recorder.Describe(folder, name => !AnswerStore.Holds(name));
        folder.WriteJson(RunManifest.FileName, manifest);
        return manifest;
    }
}
