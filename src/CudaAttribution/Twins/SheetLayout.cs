using System.Text.Json.Serialization;
using CudaAttribution.Images;

namespace CudaAttribution.Twins;

/// <summary>
/// How one model's pictures lie on pages: prompts down, draws across, no gaps. A page has as many prompts as fit <see cref="MostPixels"/> and
/// <see cref="MostRows"/>, one at least, so that reading one takes little memory whatever the number of prompts.
/// </summary>
/// <param name="Prompts">Prompts, one at least.</param>
/// <param name="Draws">Pictures of each.</param>
/// <param name="Side">Side of a picture.</param>
public sealed record SheetLayout(int Prompts, int Draws, int Side)
{
    private const int MostRows = 4096;
    private const long MostPixels = 1L << 20;

    /// <summary>Pages of a model.</summary>
    [JsonIgnore]
    public int Pages => (Prompts + PromptsPerPage - 1) / PromptsPerPage;

    private int PromptsPerPage => (int)Math.Clamp(Math.Min(MostRows / Side, MostPixels / ((long)Side * Side * Draws)), 1, Prompts);

    /// <summary>The page that a prompt is on.</summary>
    public int PageOf(int prompt) => prompt / PromptsPerPage;

    /// <summary>Pixels of a page.</summary>
    public (int Width, int Height) SizeOf(int page) => (Draws * Side, Side * Math.Min(PromptsPerPage, Prompts - (page * PromptsPerPage)));

    /// <summary>Lays out a page.</summary>
    /// <param name="page">Its number.</param>
    /// <param name="picture">The picture of a prompt and draw.</param>
    public RgbImage Compose(int page, Func<int, int, RgbImage> picture)
    {
        var (width, height) = SizeOf(page);
        var sheet = RgbImage.Filled(width, height, 0, 0, 0);
        for (int row = 0; row < height / Side; row++)
        {
            for (int draw = 0; draw < Draws; draw++) picture((page * PromptsPerPage) + row, draw).CopyInto(sheet, draw * Side, row * Side);
        }
        return sheet;
    }

    /// <summary>The pictures of a prompt.</summary>
    /// <param name="page">The page that it is on.</param>
    /// <param name="prompt">The prompt.</param>
    public RgbImage[] Cut(RgbImage page, int prompt) =>
        [.. Enumerable.Range(0, Draws).Select(draw => page.Crop(draw * Side, prompt % PromptsPerPage * Side, Side, Side))];
}
