using System.Globalization;
using System.Net;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;
using CudaAttribution.Statistics;

namespace CudaAttribution.Reports;

/// <summary>Pieces that every report page shares.</summary>
internal static class Html
{
    // Larger pictures are shown as thumbnails; the originals lie in the report's folder.
    private const int LargestEmbedded = 128;

    private const string Style =
        """
        :root{color-scheme:light dark;--page:#fff;--ink:#1f2933;--soft:#3e4c59;--faint:#5f6c7b;--line:#d5dae0;--hair:#e4e7eb;--card:#f7f8fa;
          --bad:#8f1820;--badline:#b4232a;--badcard:#fdf5f5;--link:#1f5f99}
        @media(prefers-color-scheme:dark){:root{--page:#14181d;--ink:#e3e8ee;--soft:#c3ccd6;--faint:#9aa5b1;--line:#3a444f;--hair:#2b333c;--card:#1c2229;
          --bad:#ff9a9a;--badline:#e0525a;--badcard:#2b1a1c;--link:#8ec1f0}}
        *{box-sizing:border-box}
        body{margin:0 auto;max-width:1080px;padding:28px 36px 60px;background:var(--page);color:var(--ink);
          font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
        h1{font-size:25px;line-height:1.25;margin:0 0 4px}
        h2{font-size:18px;margin:38px 0 10px;padding-top:14px;border-top:1px solid var(--line)}
        h3{font-size:15px;margin:16px 0 4px}
        p{margin:0 0 10px;max-width:76ch}
        .sub{color:var(--faint);margin-bottom:18px}
        .verdict{border:1px solid var(--line);border-left:7px solid var(--faint);padding:14px 20px 12px;margin:18px 0 20px;background:var(--card)}
        .verdict.bad{border-left-color:var(--badline);background:var(--badcard)}
        .verdict b{display:block;font-size:27px;line-height:1.2;margin-bottom:4px}
        .verdict.bad b{color:var(--bad)}
        .verdict p{margin:0;max-width:90ch}
        .tiles{display:grid;grid-template-columns:repeat(4,1fr);gap:12px}
        .tile{border:1px solid var(--line);padding:10px 14px}
        .tile span{display:block;color:var(--faint);font-size:12.5px}
        .tile b{display:block;font-size:21px;line-height:1.35;white-space:nowrap;font-variant-numeric:tabular-nums}
        .cols{display:grid;grid-template-columns:1fr 1fr;gap:32px}
        table{border-collapse:collapse;width:100%;font-size:13.5px;margin:8px 0 14px}
        th{text-align:left;font-weight:600;color:var(--soft);border-bottom:2px solid var(--line);padding:6px 10px;vertical-align:bottom}
        td{border-bottom:1px solid var(--hair);padding:6px 10px;vertical-align:middle}
        td:first-child,th:first-child{padding-left:0}
        sup{line-height:0;font-size:75%}
        .n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
        td.c,th.c{text-align:center}
        td.p{max-width:230px}
        img{display:block;image-rendering:pixelated;width:64px;height:64px;object-fit:contain;border:1px solid var(--hair);background:#fff}
        img.sheet{width:auto;height:auto;max-width:100%}
        .yes{color:var(--bad);font-weight:600}
        .no{color:var(--faint)}
        .none{display:inline-block;width:64px;color:var(--faint);font-size:12px}
        figure{margin:8px 0 14px}
        figcaption{color:var(--faint);font-size:13px;max-width:80ch}
        svg{background:#fff;width:100%;max-width:820px;height:auto;font-family:inherit}
        pre{background:var(--card);border:1px solid var(--hair);padding:10px 14px;white-space:pre-wrap;overflow-wrap:anywhere;font-size:13px}
        code{font-size:13px;overflow-wrap:anywhere}
        ul{margin:0 0 10px;padding-left:20px;max-width:78ch}
        li{margin-bottom:4px}
        .note{color:var(--faint);font-size:13px}
        a{color:var(--link)}
        .wide{overflow-x:auto}
        .wide svg{min-width:640px}
        .row{display:flex;gap:6px}
        .row figure{margin:0;text-align:center}
        .row figcaption{font-size:11.5px}
        .row .served img{outline:3px solid var(--badline);outline-offset:-1px}
        @media(max-width:760px){body{padding:18px}h1{font-size:21px}.tile b{font-size:17px;white-space:normal}.tiles{grid-template-columns:1fr 1fr}.cols{grid-template-columns:1fr}}
        @media print{body{max-width:none;padding:0}h2{break-after:avoid}tr,figure,.tile{break-inside:avoid}}
        """;

    private const string Policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

    /// <summary>A whole page that asks nothing of any network: the policy lets in only its own style and embedded pictures.</summary>
    public static string Page(string title, string body) =>
        $"""
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta http-equiv="Content-Security-Policy" content="{Policy}">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>{Text(title)}</title>
        <style>
        {Style}
        </style>
        </head>
        <body>
        {body}
        </body>
        </html>

        """;

    public static string Text(string text) => WebUtility.HtmlEncode(text);

    public static string Image(RgbImage image, string description)
    {
        int longest = Math.Max(image.Width, image.Height);
        if (longest > LargestEmbedded)
            image = image.Resize(Math.Max(1, image.Width * LargestEmbedded / longest), Math.Max(1, image.Height * LargestEmbedded / longest));
        return $"<img {Embedded(image, description)}>";
    }

    /// <summary>A contact sheet at its own size, or as wide as the page.</summary>
    public static string Sheet(RgbImage image, string description) => $"<img class=\"sheet\" {Embedded(image, description)}>";

    private static string Embedded(RgbImage image, string description) =>
        $"alt=\"{Text(description)}\" src=\"data:image/png;base64,{Convert.ToBase64String(ImageCodecs.EncodePng(image))}\"";

    public static string Figure(string svg, string caption) => $"<figure>{svg}<figcaption>{Text(caption)}</figcaption></figure>";

    /// <summary>A table of plain cells; columns whose header begins with '#' hold numbers.</summary>
    public static string Table(IReadOnlyList<string> header, IEnumerable<IReadOnlyList<string>> rows)
    {
        bool[] numeric = [.. header.Select(h => h.StartsWith('#'))];
        string head = string.Concat(header.Select((h, i) => $"<th{Class(i)}>{Text(h.TrimStart('#'))}</th>"));
        string body = string.Concat(rows.Select(r => $"<tr>{string.Concat(r.Select((c, i) => $"<td{Class(i)}>{c}</td>"))}</tr>\n"));
        return $"<table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table>";

        string Class(int column) => numeric[column] ? " class=\"n\"" : "";
    }

    /// <summary>A p-value: three decimals, or a power of ten below .001.</summary>
    public static string P(double? p)
    {
        if (p is not { } value) return "–";
        if (value is >= 0.001 or 0) return value.ToString("0.###", CultureInfo.InvariantCulture);
        int exponent = (int)Math.Floor(Math.Log10(value));
        return $"{(value / Math.Pow(10, exponent)).ToString("0.0", CultureInfo.InvariantCulture)} × 10<sup>−{-exponent}</sup>";
    }

    public static string Percent(double share) => (100 * share).ToString("0", CultureInfo.InvariantCulture) + " %";

    public static string Number(double value, string format = "0.000") => value.ToString(format, CultureInfo.InvariantCulture);

    public static string Interval(ShareInterval interval) => $"{Percent(interval.Low)} to {Percent(interval.High)}";
}
