using System.Reflection;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Data.Codecs.ImageSharp;
using CudaAttribution.Data.Tests.Support;
using NUnit.Framework;

namespace CudaAttribution.Data.Tests.Codecs.ImageSharp;

/// <summary>The managed codec; compiled only with <c>-p:ImageCodec=ImageSharp</c>.</summary>
public class ImageSharpImageCodecTests : CodecContract
{
    protected override IImageCodec Codec { get; } = new ImageSharpImageCodec();

    protected override string Library => "ImageSharp";

    [Test]
    public void NoNativeLibraryIsNeeded()
    {
        Codec.Decode(Codec.EncodePng(Pictures.Waves(8, 8)));
        Assert.That(Directory.GetFiles(AppContext.BaseDirectory, "*cuattr_*"), Is.Empty);
        Assert.That(File.ReadLines("/proc/self/maps").Where(line => line.Contains("/libcuattr_")), Is.Empty);
        MethodInfo[] imports =
        [
            .. typeof(IImageCodec).Assembly.GetTypes()
                .SelectMany(t => t.GetMethods(BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
                .Where(m => m.Attributes.HasFlag(MethodAttributes.PinvokeImpl)),
        ];
        Assert.That(imports, Is.Empty);
    }

    [Test]
    public void PngRowsThatImageSharpCannotCountAreRefused()
    {
        const int width = 1 << 24; // x 16 bits x 8 bytes = 2^31
        byte[] file = PngWriter.FromChunks(
            ("IHDR", PngWriter.Header(width, 1, 16, PngWriter.RgbAlpha)), ("IDAT", PngWriter.Deflate(new byte[1 + 8 * width])), ("IEND", []));
        ExpectError(file, ImageDecodeError.NotSupported);
    }

    [Test]
    public void ArithmeticAndUncommonJpegAreRefused([Values("colour.jpg", "progressive.jpg", "grey.jpg")] string file)
    {
        byte[] sound = Pictures.File(file);
        int frame = JpegFile.Frame(sound);
        foreach (byte kind in new byte[] { 0xc3, 0xc5, 0xc9, 0xca })
        {
            byte[] other = [.. sound];
            other[frame - 3] = kind;
            Assert.That(ExpectError(other, ImageDecodeError.NotSupported, what: $"frame {kind:x2}").Message, Does.Contain("arithmetic"));
        }
        sound[frame] = 12;
        ExpectError(sound, ImageDecodeError.NotSupported, what: "12 bits");
    }
}
