using System.Text;

namespace CudaAttribution.Data.Datasets;

/// <summary>A text file as lines.</summary>
public static class TextLines
{
    private static readonly UTF8Encoding StrictUtf8 = new(false, true);

    /// <summary>The lines that hold more than white space, with their numbers from 1; the byte order mark and carriage returns are dropped.</summary>
    /// <exception cref="DatasetException">A line is not UTF-8; it is named.</exception>
    public static IEnumerable<(int Number, string Text)> Read(string file, byte[] bytes)
    {
        int number = 0;
        for (int start = bytes.AsSpan().StartsWith("\uFEFF"u8) ? 3 : 0; start < bytes.Length;)
        {
            int length = bytes.AsSpan(start).IndexOf((byte)'\n');
            int end = length < 0 ? bytes.Length : start + length;
            number++;
            string text;
            try
            {
                text = StrictUtf8.GetString(bytes, start, end - start).TrimEnd('\r');
            }
            catch (DecoderFallbackException e)
            {
                throw new DatasetException("the line is not UTF-8", "Save the file as UTF-8.", file, number, e);
            }
            if (!string.IsNullOrWhiteSpace(text)) yield return (number, text);
            start = end + 1;
        }
    }
}
