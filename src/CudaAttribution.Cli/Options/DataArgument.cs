using System.Globalization;
using System.Text.RegularExpressions;
using CudaAttribution.Populations;

namespace CudaAttribution.Cli.Options;

/// <summary>Reads <c>SET[@start+count][#shuffle-seed]</c>.</summary>
internal static partial class DataArgument
{
    /// <exception cref="UsageException">The text is not of that form.</exception>
    public static DataSpec Parse(string text)
    {
        var match = Form().Match(text);
        if (!match.Success)
        {
            throw new UsageException(
                $"'{text}' does not name a data set: use SET[@start+count][#shuffle-seed], for example emoji:twitter@0+200#7");
        }
        return new DataSpec
        {
            Set = match.Groups["set"].Value,
            Start = match.Groups["start"].Success ? int.Parse(match.Groups["start"].Value, CultureInfo.InvariantCulture) : 0,
            Count = match.Groups["count"].Success ? int.Parse(match.Groups["count"].Value, CultureInfo.InvariantCulture) : null,
            Shuffle = match.Groups["seed"].Success ? ulong.Parse(match.Groups["seed"].Value, CultureInfo.InvariantCulture) : null,
        };
    }

    [GeneratedRegex(@"^(?<set>.+?)(@(?<start>\d{1,9})\+(?<count>\d{1,9}))?(#(?<seed>\d{1,19}))?$")]
    private static partial Regex Form();
}
