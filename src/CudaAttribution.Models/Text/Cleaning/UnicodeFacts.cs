using System.Text;

namespace CudaAttribution.Models.Text.Cleaning;

/// <summary>
/// What Unicode 14 says of characters beyond their category. The program runs without ICU, and .NET alone neither normalises nor knows the final
/// sigma.
/// </summary>
internal sealed class UnicodeFacts
{
    private static readonly Lazy<UnicodeFacts> Instance = new(() => new UnicodeFacts());

    private readonly Dictionary<int, byte> _classes = [];
    private readonly Dictionary<int, (int First, int Second)> _decompositions = [];
    private readonly Dictionary<(int First, int Second), int> _compositions = [];
    private readonly Dictionary<int, string> _widths = [];
    private readonly List<(int First, int Last)> _cased = [], _ignorable = [];

    private UnicodeFacts()
    {
        foreach (string[] line in TextTable.Lines("unicode.txt"))
        {
            switch (line[0])
            {
                case "class":
                    for (int c = TextTable.CodePoint(line[1]); c <= TextTable.CodePoint(line[2]); c++) _classes[c] = byte.Parse(line[3]);
                    break;
                case "pair" or "split":
                    int composed = TextTable.CodePoint(line[1]), first = TextTable.CodePoint(line[2]);
                    int second = line.Length > 3 ? TextTable.CodePoint(line[3]) : None;
                    _decompositions[composed] = (first, second);
                    if (line[0] == "pair") _compositions[(first, second)] = composed;
                    break;
                case "width":
                    _widths[TextTable.CodePoint(line[1])] = TextTable.Text(line.AsSpan(2));
                    break;
                case "cased" or "ignorable":
                    (line[0] == "cased" ? _cased : _ignorable).Add((TextTable.CodePoint(line[1]), TextTable.CodePoint(line[2])));
                    break;
            }
        }
    }

    /// <summary>Stands for the second part of a character that decomposes into one.</summary>
    public const int None = -1;

    public static UnicodeFacts Default => Instance.Value;

    /// <summary>The canonical combining class; 0 of a starter.</summary>
    public int CombiningClass(int character) => _classes.GetValueOrDefault(character);

    /// <summary>One step of the canonical decomposition, Hangul aside.</summary>
    public bool TryDecompose(int character, out (int First, int Second) parts) => _decompositions.TryGetValue(character, out parts);

    /// <summary>The primary composite of two characters, Hangul aside.</summary>
    public bool TryCompose(int first, int second, out int composed) => _compositions.TryGetValue((first, second), out composed);

    /// <summary>The usual form of a halfwidth or fullwidth character; null for any other.</summary>
    public string? UsualWidth(char character) => _widths.GetValueOrDefault(character);

    /// <summary>A letter with case, for the final sigma.</summary>
    public bool IsCased(Rune rune) => Contains(_cased, rune.Value);

    /// <summary>Looked past in search of such a letter.</summary>
    public bool IsIgnorable(Rune rune) => Contains(_ignorable, rune.Value);

    private static bool Contains(List<(int First, int Last)> ranges, int character)
    {
        int at = ranges.BinarySearch((character, int.MaxValue));
        return at >= 0 || (~at > 0 && ranges[~at - 1].Last >= character);
    }
}
