using System.Globalization;
using System.Net;
using System.Text;

namespace CudaAttribution.Reports.Charts;

/// <summary>Horizontal placement of a text.</summary>
internal enum Anchor
{
    Start,
    Middle,
    End,
}

/// <summary>A small writer of static SVG: shapes and text in user units, colours given by the caller, no script, no style sheet.</summary>
internal sealed class Svg
{
    private readonly StringBuilder _body = new();
    private readonly double _width;
    private readonly double _height;
    private readonly string _title;

    public Svg(double width, double height, string title) => (_width, _height, _title) = (width, height, title);

    public static string Number(double value) => Math.Round(value, 2).ToString("0.##", CultureInfo.InvariantCulture);

    public void Rect(double x, double y, double width, double height, string fill, string? stroke = null, double opacity = 1) =>
        _body.Append(
            CultureInfo.InvariantCulture,
            $"<rect x=\"{Number(x)}\" y=\"{Number(y)}\" width=\"{Number(width)}\" height=\"{Number(height)}\" fill=\"{fill}\"")
            .Append(stroke is null ? "" : $" stroke=\"{stroke}\"")
            .Append(opacity < 1 ? $" fill-opacity=\"{Number(opacity)}\"" : "")
            .Append("/>");

    public void Line(double x1, double y1, double x2, double y2, string stroke, double width = 1, string? dash = null) =>
        _body.Append(
            CultureInfo.InvariantCulture,
            $"<line x1=\"{Number(x1)}\" y1=\"{Number(y1)}\" x2=\"{Number(x2)}\" y2=\"{Number(y2)}\" stroke=\"{stroke}\"")
            .Append(width != 1 ? $" stroke-width=\"{Number(width)}\"" : "")
            .Append(dash is null ? "" : $" stroke-dasharray=\"{dash}\"")
            .Append("/>");

    public void Circle(double x, double y, double radius, string fill) => _body.Append(
        CultureInfo.InvariantCulture, $"<circle cx=\"{Number(x)}\" cy=\"{Number(y)}\" r=\"{Number(radius)}\" fill=\"{fill}\"/>");

    public void Polyline(IEnumerable<(double X, double Y)> points, string stroke, double width = 1.5) =>
        _body.Append("<polyline fill=\"none\" stroke-linejoin=\"round\" points=\"")
            .AppendJoin(' ', points.Select(p => $"{Number(p.X)},{Number(p.Y)}"))
            .Append(CultureInfo.InvariantCulture, $"\" stroke=\"{stroke}\" stroke-width=\"{Number(width)}\"/>");

    public void Text(
        double x, double y, string text, Anchor anchor = Anchor.Start, string fill = ChartColours.Ink, double size = 12, bool bold = false,
        double rotate = 0) =>
        _body.Append(CultureInfo.InvariantCulture, $"<text x=\"{Number(x)}\" y=\"{Number(y)}\" font-size=\"{Number(size)}\" fill=\"{fill}\"")
            .Append(anchor == Anchor.Start ? "" : $" text-anchor=\"{(anchor == Anchor.Middle ? "middle" : "end")}\"")
            .Append(bold ? " font-weight=\"600\"" : "")
            .Append(rotate == 0 ? "" : $" transform=\"rotate({Number(rotate)} {Number(x)} {Number(y)})\"")
            .Append('>').Append(WebUtility.HtmlEncode(text)).Append("</text>");

    public override string ToString() =>
        $"<svg viewBox=\"0 0 {Number(_width)} {Number(_height)}\" role=\"img\" aria-label=\"{WebUtility.HtmlEncode(_title)}\" "
        + $"xmlns=\"http://www.w3.org/2000/svg\"><title>{WebUtility.HtmlEncode(_title)}</title>{_body}</svg>";
}

/// <summary>Dark on white; the two series colours differ in lightness too, so that they survive grey printing and colour blindness.</summary>
internal static class ChartColours
{
    public const string Ink = "#1f2933";
    public const string Muted = "#5f6c7b";
    public const string Grid = "#e4e7eb";
    public const string Axis = "#9aa5b1";
    public const string Suspect = "#b4232a";
    public const string Innocent = "#7b8794";
    public const string Source = "#1f5f99";
    public const string Threshold = "#1f2933";

    /// <summary>Lines of a chart with several series, in order.</summary>
    public static readonly string[] Series = ["#b4232a", "#1f5f99", "#2f7d5b", "#8a5a00", "#6b3fa0", "#5f6c7b", "#c0487a", "#007d8a"];
}
