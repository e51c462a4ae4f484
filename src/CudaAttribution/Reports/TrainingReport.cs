using System.Globalization;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Images;
using CudaAttribution.Models.Training;
using CudaAttribution.Reports.Charts;
using CudaAttribution.Runs.Manifests;

namespace CudaAttribution.Reports;

/// <summary>The page of one training run: what was trained on what, the loss over the steps, speed, memory, and how to run it again.</summary>
public static class TrainingReport
{
    private const int Shown = 60;

    private const int Thumbnail = 64;

    /// <param name="command"><c>train</c> or <c>finetune</c>.</param>
    /// <param name="data">The pictures it was trained on.</param>
    /// <param name="result">What the trainer says.</param>
    /// <param name="run">Device, versions, seed and inputs.</param>
    public static string Render(string command, CaptionedDataset data, TrainResult result, RunManifest run)
    {
        IReadOnlyList<(int Step, double Loss)> losses = [.. result.Losses.Select((loss, i) => (i + 1, (double)loss))];
        int tail = Math.Min(100, losses.Count);
        string started = run.Started.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
        string chart = LossChart.Render("Loss over the steps of training", [("loss", losses)]);
        int side = Math.Min(Thumbnail, data.Items[0].Image.Width);
        var first = data.Items.Take(Shown).Select(i => i.Image.ToSquare(side, ResizeMode.CropCentre));
        var sheet = ContactSheet.Compose([.. first], new ContactSheetOptions { Columns = 15, Magnification = Thumbnail / side });
        string body =
            $"""
            <h1>Training: {Html.Text(command)}</h1>
            <div class="sub">CudaAttribution {Html.Text(run.Version)} · {started} UTC</div>
            <div class="tiles">
            {Tile("Steps", $"{losses.Count}", result.FirstStep > 0 ? $"resumed at step {result.FirstStep}" : "in one go")}
            {Tile(
                $"Loss, mean of the last {tail} steps",
                Html.Number(losses.TakeLast(tail).Average(l => l.Loss), "0.0000"),
                "mean squared error")}
            {Tile("Speed", $"{Html.Number(result.PicturesPerSecond, "0")} images/s", $"{Html.Number(result.Seconds, "0")} s in this run")}
            {Tile(
                "Device memory",
                $"{Megabytes(result.Memory.Total)} MB",
                $"of it {Megabytes(result.Memory.Activations + result.Memory.Workspace)} MB for a step")}
            </div>
            {Html.Figure(chart, "Loss per step, smoothed by a running mean. The exact values are in losses.csv.")}
            <h2>Pictures</h2>
            <p>{data.Count} pictures of {Html.Text(data.Source)}, content SHA-256 <code>{Html.Text(data.Hash)}</code>. The first of them:</p>
            {Html.Sheet(sheet, "training pictures")}
            <h2>How to run it again</h2>
            <pre>{Html.Text(ReportProse.CommandLine(run.CommandLine))}</pre>
            {ReportProse.RunTable(run, [])}
            """;
        return Html.Page($"Training: {command}", body);
    }

    private static string Tile(string title, string figure, string note) =>
        $"<div class=\"tile\"><span>{title}</span><b>{figure}</b><span>{note}</span></div>";

    private static string Megabytes(long bytes) => Html.Number(bytes / 1048576.0, "0");
}
