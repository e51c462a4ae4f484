using CudaAttribution.Answers;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;
using CudaAttribution.Runs;
using CudaAttribution.Served;

namespace CudaAttribution.Tests.Served;

/// <summary>Logs with pictures of one colour.</summary>
internal static class ServedFixture
{
    public static readonly ServedLogHeader Header = new(
        ServedLogHeader.CurrentSchema, new string('c', 64), new string('d', 64), "own", new SamplingRecipe { Steps = 20, Guidance = 2.5 }, "0.1.0");

    /// <summary>A folder with <c>a.png</c>, <c>b.jpg</c> and <c>more/c.webp</c>, and a log of that text.</summary>
    public static RunFolder Folder(string file, string text)
    {
        var folder = new RunFolder(TestFolder.New("log"));
        folder.Write("a.png", ImageCodecs.EncodePng(Picture(1)));
        folder.Write("b.jpg", ImageCodecs.EncodeJpeg(Picture(2), 90));
        folder.Write("more/c.webp", ImageCodecs.EncodeWebPLossless(Picture(3)));
        folder.Write(file, text);
        return folder;
    }

    public static RgbImage Picture(int colour) => RgbImage.Filled(4, 3, (byte)colour, 100, 200);

    public static string Hash(int colour) => ImageHash.Of(Picture(colour));

    public static string FileHash(RunFolder folder, string name) => ImageHash.Of(ImageCodecs.Decode(File.ReadAllBytes(folder.Path(name))).OverWhite());
}
