using CudaAttribution.Data.Datasets;
using CudaAttribution.Images;
using CudaAttribution.Models.Watermark;

namespace CudaAttribution.Watermark;

/// <summary>The file <c>mark.json</c> beside marked pictures: which message is in them. Who has it can forge the mark: keep it to yourself.</summary>
/// <param name="Schema"><see cref="CurrentSchema"/>.</param>
/// <param name="Model">SHA-256 of the watermark's weights.</param>
/// <param name="Data">SHA-256 of the pictures before.</param>
/// <param name="Message">The 32 bits, 8 hexadecimal digits.</param>
public sealed record MarkRecord(string Schema, string Model, string Data, string Message)
{
    public const string FileName = "mark.json";
    public const string CurrentSchema = "cudattr-watermark-mark-1";

    /// <summary>Folder of the marked pictures beside the record.</summary>
    public const string Pictures = "pictures";

    /// <summary>Writes a set with the message in each picture; the folder is there whole or not at all.</summary>
    /// <param name="model">The watermark.</param>
    /// <param name="data">Pictures of its size.</param>
    /// <param name="message">The message.</param>
    /// <param name="folder">Where to; must not exist, or be empty.</param>
    /// <param name="progress">Told how many were written.</param>
    /// <exception cref="DatasetException">A picture cannot be read, or the folder cannot be written.</exception>
    public static void Write(WatermarkModel model, CaptionedDataset data, WatermarkMessage message, string folder, Action<int>? progress = null)
    {
        using var writer = new CaptionedDatasetWriter(folder);
        int done = 0;
        foreach (var (item, picture) in data.Items.Zip(model.Mark(data.Items.Select(i => i.Image).ReadAhead(), Enumerable.Repeat(message, data.Count))))
        {
            writer.Add(item.WithImage(picture));
            progress?.Invoke(++done);
        }
        writer.Complete();
    }
}
