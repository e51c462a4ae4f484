using CudaAttribution.Images;
using CudaAttribution.Twins;

namespace CudaAttribution.Tests.Twins;

public class SheetLayoutTests
{
    [TestCase(160, 4, 16, 1, 64, 2560)]
    [TestCase(300, 4, 64, 5, 256, 4096)]
    [TestCase(10, 4, 512, 10, 2048, 512)]
    [TestCase(3, 2, 1024, 3, 2048, 1024)]
    [TestCase(5000, 2, 1, 2, 2, 4096)]
    public void PagesAreAsLargeAsTheyMayBe(int prompts, int draws, int side, int pages, int width, int height)
    {
        var layout = new SheetLayout(prompts, draws, side);
        Assert.That((layout.Pages, layout.SizeOf(0)), Is.EqualTo((pages, (width, height))));
        int rows = Enumerable.Range(0, pages).Sum(p => layout.SizeOf(p).Height) / side;
        Assert.That(rows, Is.EqualTo(prompts), "no row is empty and none is missing");
    }

    [TestCase(7, 3, 5)]
    [TestCase(13, 2, 500)]
    [TestCase(1, 2, 1)]
    public void WhatIsComposedIsCutOut(int prompts, int draws, int side)
    {
        var layout = new SheetLayout(prompts, draws, side);
        RgbImage[] pages = [.. Enumerable.Range(0, layout.Pages).Select(p => layout.Compose(p, Picture))];
        for (int prompt = 0; prompt < prompts; prompt++)
        {
            int number = prompt;
            Assert.That(
                layout.Cut(pages[layout.PageOf(prompt)], prompt), Is.EqualTo(Enumerable.Range(0, draws).Select(draw => Picture(number, draw))));
        }

        RgbImage Picture(int prompt, int draw) => RgbImage.Filled(side, side, (byte)prompt, (byte)draw, 7);
    }
}
