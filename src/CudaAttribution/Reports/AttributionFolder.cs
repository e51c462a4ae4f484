using CudaAttribution.Data.Images;
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
        for (int i = 0; i < run.Answers.Count; i++)
        {
            if (run.Answers[i].Image is { } image) folder.WriteImage(AttributionResult.AnswerImage(i), image);
        }
        folder.WriteJson(AttributionResult.FileName, run.Result);
        recorder.Input("null table", RunFolder.HashFile(folder.Path(NullTable.FileName)));
        folder.Write(ReportContext.FileName, AttributionReport.Render(run, new ReportContext(recorder.Describe(), losses)));
        var manifest = recorder.Describe(folder);
        folder.WriteJson(RunManifest.FileName, manifest);
        return manifest;
    }
}
