namespace CudaAttribution.Watermark;

/// <summary>What was read from one picture.</summary>
/// <param name="Id">The picture's id in its set.</param>
/// <param name="Message">The 32 bits that were read, 8 hexadecimal digits.</param>
/// <param name="Matches">How many of them are the owner's.</param>
/// <param name="Marked">Whether that is enough for the picture to count as marked.</param>
public sealed record PictureReading(string Id, string Message, int Matches, bool Marked);
