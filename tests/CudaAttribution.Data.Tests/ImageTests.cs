using CudaAttribution.Data.Tests.Support;
using CudaAttribution.Images;
using NUnit.Framework;

namespace CudaAttribution.Data.Tests;

/// <summary>The picture types, alpha over white, contact sheets.</summary>
public class ImageTests
{
    [Test]
    public void EveryColourOverWhiteIsTheNearestInteger()
    {
        var pixels = new byte[256 * 256 * 4];
        for (int a = 0; a < 256; a++)
            for (int c = 0; c < 256; c++)
                new[] { (byte)c, (byte)c, (byte)c, (byte)a }.CopyTo(pixels, 4 * (256 * a + c));
        RgbImage result = new RgbaImage(256, 256, pixels).OverWhite();
        for (int a = 0; a < 256; a++)
            for (int c = 0; c < 256; c++)
            {
                double exact = (c * a + 255.0 * (255 - a)) / 255;
                var expected = (byte)Math.Round(exact);
                Assert.That(Math.Abs(exact - Math.Floor(exact) - 0.5), Is.GreaterThan(0.001), "never a tie");
                byte[] pixel = result.Pixels.AsSpan(3 * (256 * a + c), 3).ToArray();
                Assert.That(pixel, Is.EqualTo(new[] { expected, expected, expected }), $"c {c}, a {a}");
            }
    }

    [Test]
    public void ChannelsStayApartOverWhite() =>
        Assert.That(new RgbaImage(2, 1, [10, 20, 30, 255, 10, 20, 30, 0]).OverWhite().Pixels, Is.EqualTo(new byte[] { 10, 20, 30, 255, 255, 255 }));

    [Test]
    public void PixelsMustFitTheSize()
    {
        Assert.That(() => new RgbImage(2, 2, new byte[11]), Throws.ArgumentException);
        Assert.That(() => new RgbaImage(2, 2, new byte[12]), Throws.ArgumentException);
        Assert.That(() => new RgbImage(0, 2, []), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void EqualityIsByContent()
    {
        RgbImage image = Pictures.Noise(3, 4, 1);
        Assert.That(image, Is.EqualTo(new RgbImage(3, 4, [.. image.Pixels])));
        Assert.That(image.GetHashCode(), Is.EqualTo(new RgbImage(3, 4, [.. image.Pixels]).GetHashCode()));
        Assert.That(image, Is.Not.EqualTo(new RgbImage(4, 3, [.. image.Pixels])));
        Assert.That(image, Is.Not.EqualTo(Pictures.Noise(3, 4, 2)));
    }

    [Test]
    public void CropTakesTheRectangle()
    {
        var image = new RgbImage(3, 2, [.. Enumerable.Range(0, 18).Select(i => (byte)i)]);
        Assert.That(image.Crop(1, 0, 2, 2).Pixels, Is.EqualTo(new byte[] { 3, 4, 5, 6, 7, 8, 12, 13, 14, 15, 16, 17 }));
        Assert.That(() => image.Crop(2, 0, 2, 2), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => image.Crop(0, -1, 1, 1), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void MagnifyRepeatsPixels()
    {
        var image = new RgbImage(2, 1, [1, 2, 3, 4, 5, 6]);
        Assert.That(image.Magnify(2), Is.EqualTo(new RgbImage(4, 2, [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6, 1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6])));
    }

    [Test]
    public void ContactSheetPutsEachPictureInItsCell()
    {
        RgbImage[] images = [.. Enumerable.Range(0, 5).Select(i => Pictures.Noise(4, 3, (ulong)i))];
        RgbImage sheet = ContactSheet.Compose(images, new ContactSheetOptions { Columns = 3, Gap = 1, Magnification = 2, Ground = 7 });
        Assert.That((sheet.Width, sheet.Height), Is.EqualTo((3 * 9 + 1, 2 * 7 + 1)));
        for (int i = 0; i < 5; i++)
            Assert.That(sheet.Crop(1 + i % 3 * 9, 1 + i / 3 * 7, 8, 6), Is.EqualTo(images[i].Magnify(2)), $"picture {i}");
        Assert.That(sheet.Crop(19, 8, 8, 6), Is.EqualTo(RgbImage.Filled(8, 6, 7, 7, 7)), "the empty cell");
        Assert.That(sheet.Crop(0, 0, sheet.Width, 1), Is.EqualTo(RgbImage.Filled(sheet.Width, 1, 7, 7, 7)), "the border");
    }

    [Test]
    public void ContactSheetCentresSmallPictures()
    {
        RgbImage sheet = ContactSheet.Compose([Pictures.Noise(5, 5, 1), Pictures.Noise(1, 1, 2)], new ContactSheetOptions { Gap = 0, Ground = 0 });
        Assert.That((sheet.Width, sheet.Height), Is.EqualTo((10, 5)));
        Assert.That(sheet.Crop(7, 2, 1, 1), Is.EqualTo(Pictures.Noise(1, 1, 2)));
    }

    [Test]
    public void ContactSheetOfNothingIsAnError() => Assert.That(() => ContactSheet.Compose([]), Throws.ArgumentException);
}
