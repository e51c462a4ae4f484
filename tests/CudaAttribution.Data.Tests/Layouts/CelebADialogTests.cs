using CudaAttribution.Data.Datasets;
using NUnit.Framework;

namespace CudaAttribution.Data.Tests.Layouts;

public sealed class CelebADialogTests : LayoutFixture
{
    private const string Captions = """
        {
            "10.jpg": { "attribute_wise_captions": { "Bangs": "No fringe.", "Young": null }, "overall_caption": "This man has no bangs. " },
            "2.jpg": { "overall_caption": "She has  a beaming\nface.", "attribute_wise_captions": {} }
        }
        """;

    [Test]
    public void CaptionsPicturesAndLabelsComeTogether()
    {
        Write();
        Folder.Write("classification_label/fine_grained.txt", "2\r\nBangs Smiling\r\n10.jpg  0 2\r\n2.jpg  5 3\r\n");
        Folder.Write("classification_label/binary.txt", "Bangs Male\n2.jpg -1 -1\n10.jpg 1 1\n77.jpg 1 1\n");
        CaptionedDataset set = Load();
        Expect(set, ("10", "This man has no bangs.", Picture(10)), ("2", "She has a beaming face.", Picture(2)));
        Assert.That(set["2"].Tags, Is.EquivalentTo(new Dictionary<string, string>
        {
            ["fine_grained.Bangs"] = "5", ["Smiling"] = "3", ["binary.Bangs"] = "-1", ["Male"] = "-1",
        }));
        Assert.That(set.Layout, Does.StartWith("CelebA-Dialog-HQ"));
        Assert.That(set.Warnings, Is.Empty);
    }

    /// <summary>The published file has no caption for one of the 30,000 pictures.</summary>
    [Test]
    public void APictureWithoutCaptionIsAWarning()
    {
        Write();
        Folder.Write("image/5380.jpg", Picture(3));
        Folder.Write("image/6.jpg", Picture(4));
        Folder.Write("text/captions_hq.json", Captions.TrimEnd()[..^1] + ", \"6.jpg\": {\"overall_caption\": null}}");
        CaptionedDataset set = Load();
        Assert.That(set.Count, Is.EqualTo(2));
        Assert.That(set.Warnings.Select(w => Path.GetFileName(w.File)), Is.EqualTo(new[] { "5380.jpg", "6.jpg" }));
    }

    /// <summary>Copies of the set have the file at the root, a folder images, names without .jpg, and texts in place of objects.</summary>
    [Test]
    public void VariantsAreRead()
    {
        Folder.Write("images/2.jpg", Picture(2));
        Folder.Write("images/10.png", Picture(10));
        Folder.Write("captions_hq.json", "\uFEFF{\"2\": {\"overall_caption\": \"two\"}, \"10\": \"ten\"}");
        Expect(Load(), ("10", "ten", Picture(10)), ("2", "two", Picture(2)));
    }

    [Test]
    public void AMissingPictureFailsOrIsCounted()
    {
        Write();
        File.Delete(PathOf("image/2.jpg"));
        Refused("the caption '2' has no picture: there is no image/2.jpg", "text/captions_hq.json");
        CaptionedDataset set = Load(policy: BadImagePolicy.Skip);
        Assert.That((set.Count, set.Skipped.Single().Id), Is.EqualTo((1, "2")));
    }

    [TestCase("[]", "not an object of pictures")]
    [TestCase("{\"2.jpg\": {\"overall_caption\": \"\\ud83d\"}}", "not JSON")]
    [TestCase("{\"2.jpg\"", "not JSON")]
    [TestCase("{\"2.jpg\": \"a\", \"2.jpg\": \"b\"}", "not JSON")]
    [TestCase("{\"../2.jpg\": \"a\"}", "leads out of the folder")]
    [TestCase("{\"2.jpg\": \"a\", \"2\": \"b\"}", "occurs twice")]
    [TestCase("{}", "is empty")]
    public void WrongCaptions(string text, string problem)
    {
        Write();
        Folder.Write("text/captions_hq.json", text);
        Refused(problem);
    }

    [TestCase("2\n10.jpg 0 1\n", "no line of names", 2)]
    [TestCase("2\nBangs Smiling\n10.jpg 0\n", "not a picture's name and 2 numbers", 3)]
    [TestCase("Bangs Smiling\n10.jpg 0 x\n", "not a picture's name and 2 numbers", 2)]
    public void WrongLabels(string text, string problem, int line)
    {
        Write();
        Folder.Write("attributes/labels.txt", text);
        Assert.That(Refused(problem, "attributes/labels.txt").Line, Is.EqualTo(line));
    }

    [Test]
    public void NoFolderOfPicturesIsNamed()
    {
        Folder.Write("text/captions_hq.json", Captions);
        Refused("no folder image", "");
        Folder.Write("image/2.jpg", Picture(2));
        Folder.Write("images/2.jpg", Picture(2));
        Refused("both image and images", "");
    }

    private void Write()
    {
        Folder.Write("image/2.jpg", Picture(2));
        Folder.Write("image/10.jpg", Picture(10));
        Folder.Write("mask/2.txt", "not read");
        Folder.Write("text/captions_hq.json", Captions);
        Folder.Write("text/request_hq.txt", "not read");
    }
}
