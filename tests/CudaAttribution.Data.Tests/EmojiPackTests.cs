using CudaAttribution.Data.Datasets;
using CudaAttribution.Data.Packs;
using CudaAttribution.Data.Tests.Support;
using CudaAttribution.Images;
using NUnit.Framework;

namespace CudaAttribution.Data.Tests;

/// <summary>The emoji that come with the program.</summary>
public class EmojiPackTests
{
    private static readonly string[] Vendors = ["google", "twitter", "openmoji", "fluent-emoji"];

    [Test]
    public void FourVendorsDrawTheSameEmoji()
    {
        Assert.That(EmojiPack.Vendors, Is.EqualTo(Vendors));
        CaptionedDataset[] sets = [.. Vendors.Select(v => EmojiPack.Load(v))];
        foreach (CaptionedDataset set in sets)
        {
            Assert.That(set.Count, Is.EqualTo(1586));
            Assert.That(set.Items.Select(i => (i.Id, i.Caption)), Is.EqualTo(sets[0].Items.Select(i => (i.Id, i.Caption))));
            Assert.That(set.Items.Select(i => i.Id), Is.Ordered.Using((IComparer<string>)StringComparer.Ordinal));
            Assert.That(set.Items.All(i => i.Image is { Width: EmojiPack.NativeSize, Height: EmojiPack.NativeSize }), Is.True);
        }
        Assert.That(sets.Select(s => s.Hash), Is.Unique);
    }

    [Test]
    public void PixelsAreTheOnesThatWereMeasured()
    {
        // Means over all pixels of the 2 x 2 means that Pillow's Image.reduce makes of the source pictures.
        double[] measured = [199.8485078174259, 193.13081134733608, 211.57939013897646, 207.3467026750998];
        var means = Vendors.Select(v => EmojiPack.Load(v).Items.Average(i => i.Image.Read().Pixels.Average(p => (double)p)));
        Assert.That(means, Is.EqualTo(measured).Within(1e-6));
    }

    [Test]
    public void CaptionsAreShortDistinctAndNameNoVendor()
    {
        string[] captions = [.. EmojiPack.Load("google").Items.Select(i => i.Caption)];
        Assert.That(captions, Is.Unique);
        Assert.That(captions, Is.All.Matches("^[a-z0-9 ]+, [a-z0-9 ]+$"));
        Assert.That(captions.Max(c => c.Split(' ').Length), Is.LessThanOrEqualTo(10));
        Assert.That(captions, Has.None.Matches("google|twitter|openmoji|fluent|emoji"));
    }

    [Test]
    public void ItemsCarryTheirCategories()
    {
        CaptionedImage item = EmojiPack.Load("twitter")["1f925"];
        Assert.That(item.Caption, Is.EqualTo("lying face, face neutral skeptical"));
        Assert.That(item.Tags, Is.EqualTo(new Dictionary<string, string>
        { ["short_name"] = "lying_face", ["category"] = "Smileys & Emotion", ["subcategory"] = "face-neutral-skeptical" }));
    }

    [TestCase("an emoji of lying face, lie, pinocchio, smiley", "face-neutral-skeptical", "lying face, face neutral skeptical")]
    [TestCase("an emoji of 1, thumbs up, thumbsup, person", "hand-fingers-closed", "thumbs up, hand fingers closed")]
    [TestCase("Sun & Rain", "sky & weather", "sun rain, sky weather")]
    [TestCase("an emoji of 42", "alphanum", "42, alphanum")]
    public void TrainingCaptions(string source, string subcategory, string expected) =>
        Assert.That(EmojiPackMaker.TrainingCaption(source, subcategory), Is.EqualTo(expected));

    [Test]
    public void SmallerSizesAreAreaMeans()
    {
        CaptionedImage small = EmojiPack.Load("openmoji", 16).Items[100];
        Assert.That(small.Image.Read(), Is.EqualTo(EmojiPack.Load("openmoji").Items[100].Image.Read().Resize(16, 16)));
    }

    [Test]
    public void EveryVendorHasItsLicence()
    {
        Assert.That(Vendors.Select(v => EmojiPack.Origin(v).Licence), Is.EqualTo(new[] { "Apache-2.0", "CC-BY-4.0", "CC-BY-SA-4.0", "MIT" }));
        string[] texts = [.. Vendors.Select(EmojiPack.LicenceText)];
        string[] titles = ["Apache License", "Attribution 4.0 International", "Attribution-ShareAlike 4.0 International", "MIT License"];
        for (int i = 0; i < 4; i++)
        {
            Assert.That(texts[i], Does.Contain(titles[i]).IgnoreCase.Or.Contain(titles[i].Replace("-", " ")));
            Assert.That(EmojiPack.Origin(Vendors[i]).Attribution, Does.Contain("Changes:"));
        }
    }

    [Test]
    public void OtherVendorsAreErrors()
    {
        Assert.That(() => EmojiPack.Load("apple"), Throws.TypeOf<DatasetException>().With.Message.Contains("Name one of: google, twitter"));
        Assert.That(() => EmojiPack.Origin("apple"), Throws.TypeOf<DatasetException>());
    }

    [Test]
    public void ThePackIsMadeAsItsReadmeSays()
    {
        using var folder = new TemporaryFolder();
        string[] ids = ["1f600", "1f44d", "1f1e6-1f1f8", "only-google"];
        foreach (string vendor in Vendors)
        {
            string table = "id\tcaption\tshort_name\tcategory\tsubcategory\n1f600\tan emoji of grinning, x\tgrinning\tSmileys\tface-smiling\n"
                + "1f44d\tan emoji of 1, thumbs up\t+1\tPeople\thand-fingers-closed\n1f1e6-1f1f8\tan emoji of flag\tflag\tFlags\tcountry-flag\n"
                + (vendor == "google" ? "only-google\tan emoji of it\tit\tObjects\ttool\n" : "");
            folder.Write($"source/{vendor}/captions.tsv", table);
            foreach (string id in ids) folder.Write($"source/{vendor}/{id}.png", Pictures.Noise(64, 64, (ulong)(vendor.Length + id.Length)));
        }
        string pack = Path.Combine(folder.Path, "pack");
        EmojiPackMaker.Write(Path.Combine(folder.Path, "source"), pack);
        CaptionedDataset set = CaptionedDataset.Load(Path.Combine(pack, "twitter.webp"));
        Assert.That(set.Items.Select(i => (i.Id, i.Caption)), Is.EqualTo(new[]
            { ("1f44d", "thumbs up, hand fingers closed"), ("1f600", "grinning, face smiling") }));
        Assert.That(set["1f600"].Image.Read(), Is.EqualTo(Pictures.Noise(64, 64, 12).Resize(32, 32)));
    }
}
