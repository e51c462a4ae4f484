using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using CudaAttribution.Answers;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Evidence;
using CudaAttribution.Keys;
using CudaAttribution.Populations;
using CudaAttribution.Reports;
using CudaAttribution.Reports.Charts;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Manifests;
using CudaAttribution.Statistics;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tests.World;

namespace CudaAttribution.Tests.Reports;

public class ReportTests
{
    private readonly TestWorld _world = new();

    [Test]
    public void ThePageAsksNothingOfTheNetwork()
    {
        string html = Page(new StoredModel("copier", _world.Source, 12));
        Assert.That(html, Does.Contain("default-src 'none'; style-src 'unsafe-inline'; img-src data:"));
        foreach (Match m in Regex.Matches(html, "(?:src|href)=\"([^\"]*)\""))
            Assert.That(m.Groups[1].Value, Does.StartWith("data:image/png;base64,"));
        Assert.That(html, Does.Not.Contain("<script").And.Not.Contain("url("));
    }

    [Test]
    public void IndicationsAndEveryKeyAreOnThePage()
    {
        string html = Page(new StoredModel("copier", _world.Source, 12));
        Assert.That(html, Does.Contain("<b>Indications, no verdict</b>").And.Contain("30 of 30").And.Contain("cudattr attribute").And.Contain("cudattr audit"));
        Assert.That(html, Does.Contain("<b>The published rule accuses</b>").And.Contain("5 of 30 would be enough").And.Contain("accuses lawful models too"));
        Assert.That(html, Does.Contain("<b>No p</b>: too few references: real-other m = 6, floor 0.143; ").And.Contain("model-based, not a p-value"));
        Assert.That(html, Does.Not.Contain("nfring"));
        Assert.That(Regex.Matches(html, "<img ").Count, Is.EqualTo(90));
        foreach (var key in _world.Keys().Keys) Assert.That(html, Does.Contain($">{key.Prompt}<"));
        Assert.That(Page(_world.Stranger("stranger")), Does.Contain("<b>The published rule does not accuse</b>"));
        Assert.That(Page(new StoredModel("copier", _world.Source, 12), alpha: 0.2), Does.Contain("<b>0.2</b>").And.Not.Contain("No p"));
    }

    [Test]
    public void APageWithoutReferencesSaysSo()
    {
        string html = Page(new StoredModel("copier", _world.Source, 12), references: false);
        Assert.That(html, Does.Contain("<b>No p</b>: there are no references.").And.Contain("No reference innocents were given").And.Not.Contain("Dots are reference innocents").And.Contain("<b>The published rule accuses</b>"));
        Assert.That(html, Does.Not.Contain("The most that any reference"));
    }

    [Test]
    public void APageOfUnusableAnswersHasNoP()
    {
        var refusing = new StoredModel("refusing", _world.Source, 12) { Refused = [.. _world.Keys().Keys.Take(7).Select(k => k.Prompt)] };
        string html = Page(refusing);
        Assert.That(html, Does.Contain("<b>No p-values</b>").And.Contain("7 of 30 answers are unusable").And.Not.Contain("published rule").And.Not.Contain("rank p = 0"));
    }

    [Test]
    public void DotsStandAtTheReferencesCounts()
    {
        FamilyRank[] families = [FamilyRank.Of("real-other", [0, 0, 0, 0, 15], 21, 0.25), FamilyRank.Of("twin", [], 21, 0.25)];
        var conf = new Indication("conf", 21, 30, 0.7, new(0, 1), null, null, families, null);
        var svg = XDocument.Parse(IndicationChart.Render("t", [conf]));
        double[] Of(string element, string attribute) =>
            [.. svg.Descendants().Where(e => e.Name.LocalName == element).Select(e => double.Parse(e.Attribute(attribute)!.Value, CultureInfo.InvariantCulture))];
        double[] x = Of("circle", "cx");
        var line = svg.Descendants().Single(e => e.Name.LocalName == "line" && (string?)e.Attribute("stroke") == ChartColours.Suspect);
        double suspect = double.Parse(line.Attribute("x1")!.Value, CultureInfo.InvariantCulture);
        Assert.That(x, Has.Length.EqualTo(2), "four references at 0 are one dot");
        Assert.That((suspect - x[0]) / (x[1] - x[0]), Is.EqualTo(21 / 15.0).Within(1e-3));
        Assert.That(Of("circle", "r"), Is.EqualTo((double[])[9, 4.5]), "four times the area");
        string[] texts = [.. svg.Descendants().Where(e => e.Name.LocalName == "text").Select(e => e.Value)];
        Assert.That(texts, Does.Contain("suspect 21").And.Contain("4").And.Contain("m = 5, rank p = 0.167").And.Contain("m = 0, too few"));
    }

    [Test]
    public void TextFromOutsideIsEscaped()
    {
        var suspect = new StoredModel("<b>&\"x", _world.Source, 12) { Refused = [_world.Keys().Keys[0].Prompt] };
        string html = Page(suspect);
        Assert.That(html, Does.Not.Contain("<b>&\"x").And.Contain("&lt;b&gt;&amp;&quot;x"));
        Assert.That(html, Does.Contain("no answer: refused"));
    }

    [Test]
    public void TheFolderHoldsAllThatTheIndicationsRestOn()
    {
        using var device = ComputeDevice.Open("cpu", "kernels");
        var folder = new RunFolder(TestFolder.New("result"));
        var keys = _world.Keys();
        var run = Run(new StoredModel("copier", _world.Source, 12));
        var manifest = AttributionFolder.Write(
            folder, run, RecordedRun.On(device, "attribute", ["cudattr", "attribute"], 7), [new LossCurve("copier", [(1, 0.5), (2, 0.25)])]);
        Assert.That(Json.Write(AttributionResult.Load(folder.Path("result.json"))), Is.EqualTo(Json.Write(run.Result)));
        Assert.That(KeySet.Load(folder.Path("keys")).Hash, Is.EqualTo(keys.Hash));
        Assert.DoesNotThrow(() => NullTable.Load(folder.Path("null.json")).Check(keys));
        for (int i = 0; i < run.Examined.Count; i++)
            Assert.That(PictureFiles.Read(folder.Path(run.Result.Keys[i].Image!)), Is.EqualTo(run.Examined[i].Answer.Image));
        var written = Json.Read<RunManifest>(folder.Path("manifest.json"), "manifest");
        Assert.That(written.Outputs["result.json"], Is.EqualTo(RunFolder.HashFile(folder.Path("result.json"))));
        Assert.That(written.Outputs.Keys, Is.SupersetOf(new[] { "report.html", "null.json", "keys/keys.json", "images/000-answer.png" }));
        Assert.That(written.Device.KernelsSha256, Has.Length.EqualTo(64));
        Assert.That(written.ImageCodec, Is.EqualTo(ImageCodecs.Name));
        Assert.That(File.ReadAllText(folder.Path("report.html")), Does.Contain($"<code>{written.ImageCodec}</code>"));
        Assert.That(written.Inputs["keys"], Is.EqualTo(keys.Hash));
        Assert.That(Json.Write(manifest), Is.EqualTo(File.ReadAllText(folder.Path("manifest.json"))));
        Assert.That(File.ReadAllText(folder.Path("report.html")), Does.Contain("Loss of the suspect"));
    }

    [Test]
    public void WithoutReferencesTheFolderHasNoNullTable()
    {
        using var device = ComputeDevice.Open("cpu", "kernels");
        var folder = new RunFolder(TestFolder.New("result"));
        var run = Run(new StoredModel("copier", _world.Source, 12), references: false);
        var manifest = AttributionFolder.Write(folder, run, RecordedRun.On(device, "attribute", ["cudattr", "attribute"], 7), []);
        Assert.That(folder.Has("null.json"), Is.False);
        Assert.That(manifest.Inputs.Keys, Does.Not.Contain("null table").And.Contain("keys"));
        Assert.That(Json.Write(AttributionFolder.ReadResult(folder.Root, run.Keys, nulls: null).Result), Is.EqualTo(Json.Write(run.Result)));
    }

    [Test]
    public void AResultIsReadBackWithItsAnswers()
    {
        var folder = new RunFolder(TestFolder.New("result"));
        var keys = _world.Keys(new KeySelectionOptions { Count = 8, PairedCount = 4, Seed = 5 });
        var nulls = _world.Null(keys);
        var suspect = new StoredModel("copier", _world.Source, 12) { Refused = [keys.Keys[2].Prompt, keys.Keys[^1].Prompt] };
        var run = new Attributor(Fixtures.Distance).Run(keys, suspect, nulls, new AttributionOptions { Seed = 7 });
        AttributionFolder.WriteResult(folder, run);
        var read = AttributionFolder.ReadResult(folder.Root, keys, nulls);
        Assert.That(Json.Write(read.Result), Is.EqualTo(Json.Write(run.Result)));
        Assert.That(read.Examined.Select(e => (e.Key, e.Answer, e.Result)), Is.EqualTo(run.Examined.Select(e => (e.Key, e.Answer, e.Result))));
        Assert.That(read.Result.PairedOnlyKeys, Is.Not.Empty, "keys of both kinds");
        Assert.That(
            () => AttributionFolder.ReadResult(folder.Root, _world.Keys(), nulls),
            Throws.TypeOf<UserException>().With.Message.Contains("found with other keys"));
    }

    [TestCase(0, 1, 6, false, new[] { "0.0", "0.2", "0.4", "0.6", "0.8", "1.0" })]
    [TestCase(0, 0.33, 8, false, new[] { "0.00", "0.05", "0.10", "0.15", "0.20", "0.25", "0.30" })]
    [TestCase(0, 4000, 5, false, new[] { "0", "1,000", "2,000", "3,000", "4,000" })]
    [TestCase(0, 0.6, 5, true, new[] { "0 %", "10 %", "20 %", "30 %", "40 %", "50 %", "60 %" })]
    [TestCase(0, 0.1, 5, true, new[] { "0 %", "2 %", "4 %", "6 %", "8 %", "10 %" })]
    public void TicksAreRoundNumbers(double low, double high, int about, bool percent, string[] labels)
    {
        var ticks = new Ticks(low, high, about, percent);
        Assert.That(ticks.Values.Select(ticks.Label), Is.EqualTo(labels));
    }

    [Test]
    public void AHistogramBarIsItsShareHigh()
    {
        // 3 of 4 values in (0.125, 0.15]: the threshold itself belongs to the bin below it.
        var svg = XDocument.Parse(HistogramChart.Render("t", [("a", "#000001", [0.13, 0.15, 0.149, 0.4])], [("δ0", 0.15)]));
        var bars = svg.Descendants().Where(e => e.Name.LocalName == "rect" && (string?)e.Attribute("fill") == "#000001");
        double[] heights = [.. bars.Where(e => (string?)e.Attribute("y") != "10").Select(e => double.Parse(e.Attribute("height")!.Value))];
        Assert.That(heights, Has.Length.EqualTo(2));
        Assert.That(heights[0] / heights[1], Is.EqualTo(3).Within(0.01));
    }

    [Test]
    public void ChartsAreWellFormedAlsoForExtremeValues()
    {
        Assert.DoesNotThrow(() => XDocument.Parse(HistogramChart.Render("<&>", [("a", "#000", []), ("b", "#111", [0, 1])], [])));
        Assert.DoesNotThrow(() => XDocument.Parse(LossChart.Render("t", [("one", [(1, 0.5)]), ("zero", [(1, 0), (2, 0)]), ("none", [])])));
        Assert.DoesNotThrow(
            () => XDocument.Parse(
                ShareBars.Render("t", "a", [new("x", "y", 0, new(0, 0.1), "#000", "o"), new("x", "y", 1, new(0.9, 1), "#000", "o")])));
    }

    [TestCase(0.05, "0.05")]
    [TestCase(1.0, "1")]
    [TestCase(0.0123, "0.012")]
    [TestCase(3.456e-7, "3.5 × 10<sup>−7</sup>")]
    [TestCase(0.0, "0")]
    public void PValuesAreReadable(double p, string text) => Assert.That(Html.P(p), Is.EqualTo(text));

    [Test]
    public void CommandLinesAreQuoted() =>
        Assert.That(ReportProse.CommandLine(["cudattr", "--out", "my run", "it's", ""]), Is.EqualTo("cudattr --out 'my run' 'it'\\''s' ''"));

    private string Page(IImageModel suspect, bool references = true, double alpha = 0.01)
    {
        using var device = ComputeDevice.Open("cpu", "kernels");
        return AttributionReport.Render(
            Run(suspect, references, alpha), new ReportContext(RecordedRun.On(device, "attribute", ["cudattr", "attribute", "--keys", "k"], 7).Describe(), []));
    }

    private AttributionRun Run(IImageModel suspect, bool references = true, double alpha = 0.01)
    {
        var keys = _world.Keys();
        return new Attributor(Fixtures.Distance).Run(
            keys, suspect, references ? _world.Null(keys) : null, new AttributionOptions { Seed = 7, Alpha = alpha });
    }
}
