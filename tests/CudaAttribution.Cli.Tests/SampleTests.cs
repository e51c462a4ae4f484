using System.Text.Json;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;

namespace CudaAttribution.Cli.Tests;

/// <summary>Pictures from pictures: <c>sample --init-image</c> and <c>reconstruct</c> on the shipped models.</summary>
public sealed class SampleTests
{
    private static readonly string Model = Path.Combine(AppContext.BaseDirectory, "models/source");
    private static readonly TestFolder Work = new();

    /// <summary>24 x 20 pixels: white, with a red half.</summary>
    [OneTimeSetUp]
    public void WritePicture()
    {
        var image = RgbImage.Filled(24, 20, 255, 255, 255);
        for (int i = 0; i < image.Pixels.Length; i += 3)
            if (i / 3 % 24 < 12) (image.Pixels[i + 1], image.Pixels[i + 2]) = (0, 0);
        File.WriteAllBytes(Work["half.png"], ImageCodecs.EncodePng(image));
    }

    [OneTimeTearDown]
    public void Remove() => Work.Dispose();

    [Test]
    public void Little_strength_leaves_the_picture_and_much_does_not()
    {
        var start = PictureFiles.Read(Work["half.png"]).ToSquare(16, ResizeMode.CropCentre);
        double little = Drawn("little", "0.05"), much = Drawn("much", "1");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(little, Is.LessThan(0.1));
            Assert.That(much, Is.GreaterThan(2 * little));
            string manifest = File.ReadAllText(Work["little/manifest.json"]);
            Assert.That(manifest, Does.Contain("init_image").And.Contain("--strength"));
        }

        double Drawn(string name, string strength)
        {
            Cudattr.Succeed(
                "sample", "--model", Model, "--prompt", "red apple", "--sample-steps", "20", "--init-image", Work["half.png"], "--strength", strength,
                "--device", "cpu", "--out", Work[name]);
            var made = PictureFiles.Read(Work[$"{name}/images/0000.png"]);
            return Rms(made, start);
        }
    }

    [TestCase("--strength", "0.5", "give --init-image")]
    [TestCase("--init-image", "half.png", "--strength", "1.5", "up to 1, it is 1.5")]
    [TestCase("--init-image", "half.png", "--strength", "0.01", "less than one step")]
    [TestCase("--init-image", "absent.png", "cannot read this picture")]
    [TestCase("--tile", "8", "the model has no autoencoder")]
    public void What_makes_no_sense_is_refused(params string[] arguments)
    {
        string[] options = [.. arguments[..^1].Select(a => a.EndsWith(".png", StringComparison.Ordinal) ? Work[a] : a)];
        string said = Cudattr.Fail(["sample", "--model", Model, "--prompt", "x", "--device", "cpu", "--out", Work["refused"], .. options]);
        Assert.That(said, Does.Contain(arguments[^1]));
    }

    [Test]
    public void A_run_that_was_cut_off_goes_on_and_another_is_refused()
    {
        string[] sample =
        [
            "sample", "--model", Model, "--prompt", "red apple", "--count", "40", "--sample-steps", "20", "--device", "cpu", "--out", Work["cut"],
        ];
        Cudattr.KillWhen(() => File.Exists(Work["cut/images/0015.png"]), sample);
        Assert.That(File.Exists(Work["cut/manifest.json"]), Is.False);
        var kept = File.GetLastWriteTimeUtc(Work["cut/images/0000.png"]);
        Cudattr.Succeed(sample);
        Cudattr.Succeed([.. sample[..^1], Work["whole"]]);
        for (int i = 0; i < 40; i++)
        {
            string name = $"images/{i:D4}.png";
            Assert.That(File.ReadAllBytes(Work[$"cut/{name}"]), Is.EqualTo(File.ReadAllBytes(Work[$"whole/{name}"])), name);
        }
        Assert.That(File.GetLastWriteTimeUtc(Work["cut/images/0000.png"]), Is.EqualTo(kept), "not drawn again");
        Assert.That(Cudattr.Fail([.. sample, "--seed", "2"]), Does.Contain("another run's pictures: seed was 1, is 2"));
    }

    /// <summary>The source was trained on these pictures: it brings them back, the better the more often each step is repeated.</summary>
    [Test]
    public void Reconstructions_are_measured_and_shown()
    {
        double[] means = [.. new[] { "0", "3" }.Select(repeats =>
        {
            var table = Cudattr.Succeed(
                "reconstruct", "--model", Model, "--data", "emoji:twitter@0+6#7", "--steps", "20", "--fixed-point", repeats, "--device", "cpu",
                "--out", Work[$"back-{repeats}"], "--json").Json;
            return table.GetProperty("mean_distances").GetProperty("px").GetDouble();
        })];
        TestContext.Out.WriteLine(string.Join(" ", means));
        Assert.That(means[1], Is.LessThan(means[0]).And.LessThan(0.05));
        var file = JsonDocument.Parse(File.ReadAllText(Work["back-3/reconstructions.json"])).RootElement;
        var sheet = PictureFiles.Read(Work["back-3/sheet.png"]);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(file.GetProperty("schema").GetString(), Is.EqualTo("cudattr-reconstructions-1"));
            Assert.That(file.GetProperty("fixed_point").GetInt32(), Is.EqualTo(3));
            Assert.That(file.GetProperty("pictures").GetArrayLength(), Is.EqualTo(6));
            Assert.That(sheet.Width, Is.EqualTo(10 * (64 + 2) + 2), "five pairs in a row, magnified four times");
        }
        for (int i = 0; i < 6; i++)
        {
            var row = file.GetProperty("pictures")[i];
            var original = sheet.Crop(2 + i % 5 * 2 * 66, 2 + i / 5 * 66, 64, 64).Resize(16, 16);
            var made = PictureFiles.Read(Work[$"back-3/{row.GetProperty("image").GetString()}"]);
            Assert.That(row.GetProperty("original_sha256").GetString(), Is.EqualTo(ImageHash.Of(original)));
            Assert.That(row.GetProperty("distances").GetProperty("px").GetDouble(), Is.EqualTo(Rms(made, original)).Within(1e-12));
            Assert.That(row.GetProperty("distances").GetProperty("tile").GetDouble(), Is.GreaterThanOrEqualTo(Rms(made, original)));
        }
    }

    [Test]
    public void A_file_is_reconstructed_under_its_prompt()
    {
        string[] arguments = ["reconstruct", "--model", Model, "--image", Work["half.png"], "--steps", "5", "--device", "cpu"];
        Cudattr.Succeed([.. arguments, "--out", Work["silent"]]);
        Cudattr.Succeed([.. arguments, "--prompt", "red apple", "--out", Work["told"]]);
        var row = JsonDocument.Parse(File.ReadAllText(Work["told/reconstructions.json"])).RootElement.GetProperty("pictures")[0];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(row.GetProperty("id").GetString(), Is.EqualTo("half.png"));
            Assert.That(row.GetProperty("prompt").GetString(), Is.EqualTo("red apple"));
            Assert.That(File.ReadAllBytes(Work["told/images/0000.png"]), Is.Not.EqualTo(File.ReadAllBytes(Work["silent/images/0000.png"])));
            Assert.That(Cudattr.Fail([.. arguments, "--data", "emoji:twitter", "--out", Work["none"]]), Does.Contain("either --data or --image"));
            Assert.That(Cudattr.Fail([.. arguments, "--fixed-point", "-1", "--out", Work["none"]]), Does.Contain("Use 0 to 100. (--fixed-point)"));
            Assert.That(Cudattr.Fail([.. arguments[..^4], "--steps", "0", "--out", Work["none"]]), Does.Contain("Use 1..1000 (num_train_timesteps)"));
        }
    }

    private static double Rms(RgbImage a, RgbImage b) =>
        Math.Sqrt(a.Pixels.Zip(b.Pixels, (x, y) => Math.Pow((x - y) / 255.0, 2)).Average());
}
