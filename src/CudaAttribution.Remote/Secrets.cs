using System.Net;
using System.Text.RegularExpressions;
using CudaAttribution.Runs;

namespace CudaAttribution.Remote;

/// <summary>Values of environment variables that a description names. They are put into requests and nowhere else.</summary>
internal sealed class Secrets
{
    // Parts of names, without - and _, that say that a value is a secret.
    private static readonly string[] TellingNames = ["auth", "apikey", "token", "secret", "password", "credential", "cookie", "signature"];
    private static readonly string[] TellingBodyNames = ["key", "apikey", "token", "accesstoken", "authtoken", "authorization", "secret", "password"];
    private static readonly string[] TellingValues = ["bearer ", "basic ", "sk-"];

    private readonly Dictionary<string, string> _values;
    private readonly (string Name, Regex Writings)[] _writings;

    private Secrets(Dictionary<string, string> values)
    {
        _values = values;
        _writings = [.. values.OrderByDescending(v => v.Value.Length).Select(v => (v.Key, Writings(v.Value)))];
    }

    public string this[string name] => _values[name];

    public bool Any => _values.Count > 0;

    /// <summary>Whether a header or query parameter must take its value from the environment.</summary>
    public static bool IsTelling(string name, string value)
    {
        string plain = Plain(name);
        return plain.EndsWith("key", StringComparison.Ordinal)
            || TellingNames.Any(t => plain.Contains(t, StringComparison.Ordinal))
            || IsTellingValue(value);
    }

    /// <summary>The same for a member of a body, where such words are also used for other things (max_tokens).</summary>
    public static bool IsTellingMember(string name, string value) =>
        value.Length > 0 && (TellingBodyNames.Contains(Plain(name)) || IsTellingValue(value));

    /// <summary>Reads the variables.</summary>
    /// <exception cref="UserException">One is not set, or cannot stand in a header.</exception>
    public static Secrets Read(IEnumerable<string> names, string file)
    {
        var values = new Dictionary<string, string>();
        foreach (string name in names)
        {
            string value = Environment.GetEnvironmentVariable(name) ?? "";
            if (value.Length == 0)
            {
                throw new UserException(
                    $"the environment variable {name} is not set", "Set it to the secret that the service expects.", file);
            }
            if (value.Any(c => c is < ' ' or > '~'))
                throw new UserException(
                    $"the environment variable {name} holds a line break or another character that cannot be sent", "Set it to the bare secret.",
                    file);
            values[name] = value;
        }
        return new Secrets(values);
    }

    /// <summary>Text from outside without any secret, whichever way it was written: services repeat what they were sent.</summary>
    public string Scrub(string text)
    {
        foreach (var (name, writings) in _writings) text = writings.Replace(text, $"[{name}]");
        return text;
    }

    // Each character as it is, or as JSON (also JSON in a text of JSON), addresses or HTML escape it.
    private static Regex Writings(string value) => new(string.Concat(value.Select(Writings)), RegexOptions.IgnoreCase | RegexOptions.CultureInvariant);

    private static string Writings(char c) =>
        $@"(?:\\{{0,4}}(?:{Regex.Escape($"{c}")}|u{(int)c:x4})|%{(int)c:x2}|&\#{(int)c};|&\#x{(int)c:x};|{Regex.Escape(WebUtility.HtmlEncode($"{c}"))})";

    private static bool IsTellingValue(string value) => TellingValues.Any(t => value.StartsWith(t, StringComparison.OrdinalIgnoreCase));

    private static string Plain(string name) => string.Concat(name.Where(c => c is not ('-' or '_'))).ToLowerInvariant();
}
