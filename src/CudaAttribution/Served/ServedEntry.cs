namespace CudaAttribution.Served;

/// <summary>A line of a log as this program writes it; <see cref="ServedPicture"/> says what the members are.</summary>
internal sealed record ServedEntry(
    string Prompt, string Picture, string PixelSha256, string? Account, DateTime? Time, ulong? Seed, string? SetByCaller)
{
    /// <summary>The line of a picture that lies in <see cref="FileOf"/> its pixels.</summary>
    public static ServedEntry Of(ServedPicture p) => new(p.Prompt, FileOf(p.PixelHash), p.PixelHash, p.Account, p.Time, p.Seed, p.SetByCaller);

    /// <summary>Where a picture lies, by its pixels: one that is served again takes no more room.</summary>
    public static string FileOf(string pixelHash) => $"pictures/{pixelHash}.png";
}
