using CudaAttribution.Data.Augmentations;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Data.Packs;
using CudaAttribution.Images;
using NUnit.Framework;

namespace CudaAttribution.Data.Tests.Augmentations;

/// <summary>Copies of pictures: each change by itself against what it must do, and all of them by their draws alone.</summary>
public class CopyAugmentationTests
{
    private static readonly CopyAugmentation Nothing =
        new() { Background = 0, Flip = 0, Rotation = 0, LeastArea = 1, Jitter = 0, Blur = 0, Jpeg = 0 };

    [Test]
    public void TheDrawsDecideTheCopyAndNothingElse()
    {
        var picture = EmojiPack.Load("google").Items[5].Image.Read();
        var augmentation = new CopyAugmentation();
        var first = augmentation.Apply(picture, Draws(1));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(augmentation.Apply(picture, Draws(1)), Is.EqualTo(first));
            Assert.That(augmentation.Apply(picture, Draws(2)), Is.Not.EqualTo(first));
            Assert.That((first.Width, first.Height), Is.EqualTo((picture.Width, picture.Height)));
            Assert.That(augmentation with { Jpeg = 0.4 }, Has.Property("Description").Not.EqualTo(augmentation.Description));
        }
    }

    [Test]
    public void NoChangeLeavesThePicture()
    {
        var picture = Noise(9, 7);
        Assert.That(Nothing.Apply(picture, Draws(3)), Is.EqualTo(picture));
    }

    [Test]
    public void AMirrorIsItsOwnInverse()
    {
        var picture = Noise(9, 7);
        var mirrored = (Nothing with { Flip = 1 }).Apply(picture, Draws(3));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(mirrored.Crop(0, 2, 1, 1), Is.EqualTo(picture.Crop(8, 2, 1, 1)));
            Assert.That(Reshaping.Mirror(mirrored, true), Is.EqualTo(picture));
        }
    }

    [Test]
    public void WhiteThatReachesTheBorderBecomesOneColourAndWhiteInsideStays()
    {
        // A dark ring around a white centre.
        var picture = RgbImage.Filled(5, 5, 255, 255, 255);
        RgbImage.Filled(3, 3, 9, 9, 9).CopyInto(picture, 1, 1);
        RgbImage.Filled(1, 1, 255, 255, 255).CopyInto(picture, 2, 2);
        var changed = Recolouring.Background(picture, true, 0, 0.5f, 0.999f);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(changed.Crop(0, 0, 1, 1).Pixels, Is.EqualTo(new byte[] { 0, 128, 255 }));
            Assert.That(changed.Crop(4, 3, 1, 1).Pixels, Is.EqualTo(new byte[] { 0, 128, 255 }));
            Assert.That(changed.Crop(1, 1, 3, 3), Is.EqualTo(picture.Crop(1, 1, 3, 3)));
        }
    }

    [Test]
    public void ARotationByNothingIsNoneAndTurnsAboutTheCentre()
    {
        var picture = Noise(9, 9);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Reshaping.Rotate(picture, true, 0.5f), Is.EqualTo(picture));
            var turned = Reshaping.Rotate(picture, true, 0);
            Assert.That(turned.Crop(4, 4, 1, 1), Is.EqualTo(picture.Crop(4, 4, 1, 1)));
            Assert.That(turned, Is.Not.EqualTo(picture));
        }
        // A dot at (x0 + 8, y0) goes to (x0 + 8 cos 15°, y0 + 8 sin 15°) = (7.73, 2.07), one way or the other.
        var dot = RgbImage.Filled(21, 21, 0, 0, 0);
        RgbImage.Filled(1, 1, 255, 255, 255).CopyInto(dot, 18, 10);
        byte[] pixels = Reshaping.Rotate(dot, true, 1 - 1e-7f).Pixels;
        int brightest = Enumerable.Range(0, 21 * 21).MaxBy(i => pixels[3 * i]);
        Assert.That((brightest % 21, Math.Abs(brightest / 21 - 10)), Is.EqualTo((18, 2)));
    }

    [Test]
    public void ACropIsPartOfThePictureAndTheWholeIsThePicture()
    {
        var picture = Noise(32, 32);
        var half = RgbImage.Filled(32, 32, 10, 10, 10);
        RgbImage.Filled(16, 32, 200, 200, 200).CopyInto(half, 16, 0);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Reshaping.Crop(picture, 1, 0.3f, 0.428571f, 0, 0), Is.EqualTo(picture), "a square of the whole area");
            // Half of the area, square, at the left: 23 of 32 columns, of which 7 are bright.
            var left = Reshaping.Crop(half, 0.5, 0, 0.428571f, 0, 0);
            Assert.That(Enumerable.Range(0, 32).Count(x => left.Pixels[3 * x] > 105), Is.EqualTo((int)Math.Round(32 * 7 / 23.0)).Within(1));
        }
    }

    [Test]
    public void ABlurKeepsTheMeanAndOneColourStays()
    {
        var dot = RgbImage.Filled(11, 11, 0, 0, 0);
        RgbImage.Filled(1, 1, 255, 255, 255).CopyInto(dot, 5, 5);
        var blurred = Reshaping.Blur(dot, true, 0.5f, 0);
        using (Assert.EnterMultipleScope())
        {
            // (1/4, 1/2, 1/4) both ways: 255/4 at the centre, 255/8 beside it, 255/16 at the corners.
            Assert.That(blurred.Crop(5, 5, 1, 1).Pixels[0], Is.EqualTo(64));
            Assert.That(blurred.Crop(4, 5, 1, 1).Pixels[0], Is.EqualTo(32));
            Assert.That(blurred.Crop(4, 4, 1, 1).Pixels[0], Is.EqualTo(16));
            Assert.That(blurred.Crop(3, 5, 1, 1).Pixels[0], Is.Zero);
            Assert.That(Reshaping.Blur(RgbImage.Filled(4, 3, 7, 80, 200), true, 0.9f, 0.99f), Is.EqualTo(RgbImage.Filled(4, 3, 7, 80, 200)));
        }
    }

    [Test]
    public void AJitterOfNothingChangesNothing()
    {
        var picture = Noise(6, 6);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Recolouring.Jitter(picture, true, 0.5f, 0.5f, 0.5f, 0.5f).Pixels, Is.EqualTo(picture.Pixels).Within(1));
            Assert.That(Recolouring.Jitter(RgbImage.Filled(2, 2, 100, 100, 100), true, 0, 0.9f, 0.1f, 0.2f), Is.EqualTo(RgbImage.Filled(2, 2, 60, 60, 60)));
        }
    }

    [Test]
    public void ASplitIsByCaptionAndLargerSharesHoldOutMore()
    {
        string[] captions = [.. EmojiPack.Load("google").Items.Select(i => i.Caption).Distinct()];
        var fifth = captions.Where(c => CaptionSplit.HoldsOut(c, 0.2)).ToHashSet();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(fifth.Count / (double)captions.Length, Is.EqualTo(0.2).Within(0.04));
            Assert.That(captions.Where(c => CaptionSplit.HoldsOut(c, 0.5)).ToHashSet(), Is.SupersetOf(fifth));
            Assert.That(captions.Count(c => CaptionSplit.HoldsOut(c, 0)), Is.Zero);
            Assert.That(captions.All(c => CaptionSplit.HoldsOut(c, 1)));
        }
    }

    private static Func<float> Draws(ulong seed)
    {
        var random = new SplitMix64(seed);
        return () => random.Below(1 << 24) / (float)(1 << 24);
    }

    private static RgbImage Noise(int width, int height)
    {
        var draw = Draws(7);
        return new RgbImage(width, height, [.. Enumerable.Range(0, 3 * width * height).Select(_ => (byte)(256 * draw()))]);
    }
}
