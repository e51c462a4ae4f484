using System.Globalization;
using CudaAttribution.Data;
using CudaAttribution.Models;

namespace CudaAttribution;

/// <summary>The page of one training run: what was trained on what, the loss over the steps, speed, memory, and how to run it again.</summary>
public static class TrainingReport
{
    private const int Shown = 60;

    /// <param name="command"><c>train</c> or <c>finetune</c>.</param>
    /// <param name="data">The pictures it was trained on.</param>
    /// <param name="result">What the trainer says.</param>
    /// <param name="run">Device, versions, seed and inputs.</param>
    public static string Render(string command, CaptionedDataset data, TrainResult result, RunManifest run)
    {
        IReadOnlyList<(int Step, double Loss)> losses = [.. result.Losses.Select((loss, i) => (i + 1, (double)loss))];
        int tail = Math.Min(100, losses.Count);
        string body =
            $"""
            <h1>Training: {Html.Text(command)}</h1>
            <div class="sub">CudaAttribution {Html.Text(run.Version)} · {run.Started.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)} UTC</div>
            <div class="tiles">
            <div class="tile"><span>Steps</span><b>{losses.Count}</b><span>{(result.FirstStep > 0 ? $"resumed at step {result.FirstStep}" : "in one go")}</span></div>
            <div class="tile"><span>Loss, mean of the last {tail} steps</span><b>{Html.Number(losses.TakeLast(tail).Average(l => l.Loss), "0.0000")}</b><span>mean squared error</span></div>
            <div class="tile"><span>Speed</span><b>{Html.Number(result.PicturesPerSecond, "0")} images/s</b><span>{Html.Number(result.Seconds, "0")} s in this run</span></div>
            <div class="tile"><span>Device memory</span><b>{Html.Number(result.Memory.Total / 1048576.0, "0")} MB</b><span>of it {Html.Number(result.Memory.Step / 1048576.0, "0")} MB for one step</span></div>
            </div>
            {Html.Figure(LossChart.Render("Loss over the steps of training", [("loss", losses)]), "Loss per step, smoothed by a running mean. The exact values are in losses.csv.")}
            <h2>Pictures</h2>
            <p>{data.Count} pictures of {Html.Text(data.Source)}, content SHA-256 <code>{Html.Text(data.Hash)}</code>. The first of them:</p>
            {Html.Image(ContactSheet.Compose([.. data.Items.Take(Shown).Select(i => i.Image)], new ContactSheetOptions { Columns = 15, Magnification = 2 }), "training pictures")}
            <h2>How to run it again</h2>
            <pre>{Html.Text(ReportProse.CommandLine(run.CommandLine))}</pre>
            {ReportProse.RunTable(run, [])}
            """;
        return Html.Page($"Training: {command}", body);
    }
}
