using CudaAttribution.Files;
using CudaAttribution.Reports;
using CudaAttribution.Suspects;

namespace CudaAttribution.Attribution;

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
        run.Keys.Save(folder.Path(AttributionFiles.Keys));
        folder.WriteJson(AttributionFiles.NullTable, run.Nulls);
        for (int i = 0; i < run.Answers.Count; i++)
        {
            if (run.Answers[i].Image is { } image) folder.WriteImage(AttributionFiles.AnswerImage(i), image);
        }
        folder.WriteJson(AttributionFiles.Result, run.Result);
        recorder.Input("null table", RunFolder.HashFile(folder.Path(AttributionFiles.NullTable)));
        folder.Write(AttributionFiles.Report, AttributionReport.Render(run, new ReportContext(recorder.Describe(), losses)));
        var manifest = recorder.Describe(folder);
        folder.WriteJson(AttributionFiles.Manifest, manifest);
        return manifest;
    }

    /// <summary>The loss curve of a suspect that was built in <paramref name="suspectFolder"/>, if it was built here.</summary>
    public static IReadOnlyList<LossCurve> LossesOf(string suspectFolder, string name)
    {
        string file = Path.Combine(suspectFolder, SuspectFiles.Losses);
        return File.Exists(file) ? [new LossCurve(name, LossLog.Read(file))] : [];
    }
}
