namespace CudaAttribution.Data.Datasets;

/// <summary>The rule for names that come out of files and are joined to a folder.</summary>
public static class RelativePath
{
    /// <summary>
    /// What is wrong with a name, as the end of a sentence, or null: a name is a relative path with '/' between its parts, and no part may
    /// lead out of the folder. Backslashes and colons are refused on every system, so that a file means the same on all.
    /// </summary>
    public static string? Problem(string? name)
    {
        if (string.IsNullOrEmpty(name)) return "is empty";
        foreach (char c in name)
        {
            if (char.IsControl(c)) return "holds a control character";
            if (c is '\\' or ':') return $"holds '{c}', which does not mean the same on every system";
        }
        if (name[0] == '/') return "is an absolute path and leads out of the folder";
        foreach (string part in name.Split('/'))
        {
            if (part == "..") return "leads out of the folder";
            if (part is "" or ".") return "has an empty part or '.' between its slashes";
        }
        return null;
    }
}
