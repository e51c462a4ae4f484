using System.Formats.Tar;
using System.Text;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;

namespace CudaAttribution.Data.Tests.Layouts;

/// <summary>Archives for tests, their entries in the order given.</summary>
internal static class TarWriting
{
    /// <param name="entries">Names and contents: bytes, text, or a picture, which becomes PNG.</param>
    public static byte[] Archive(params (string Name, object Content)[] entries)
    {
        var stream = new MemoryStream();
        using (var writer = new TarWriter(stream, TarEntryFormat.Pax, leaveOpen: true))
        {
            foreach ((string name, object content) in entries)
            {
                byte[] bytes = content switch
                {
                    RgbImage image => ImageCodecs.EncodePng(image),
                    string text => Encoding.UTF8.GetBytes(text),
                    _ => (byte[])content,
                };
                writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(bytes), ModificationTime = default });
            }
        }
        return stream.ToArray();
    }
}
