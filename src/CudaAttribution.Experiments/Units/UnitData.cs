using System.Text.Json.Serialization;
using CudaAttribution.Populations;
using CudaAttribution.Runs.Units;

namespace CudaAttribution.Experiments.Units;

/// <summary>A data set as units name it.</summary>
/// <param name="Spec">Which pictures; where they are not the program's own, the set is a path in the content.</param>
/// <param name="Content">The content that has them; null where they are the program's own.</param>
public sealed record UnitData(DataSpec Spec, string? Content)
{
    /// <summary>The input that it is of a unit, if it is one.</summary>
    [JsonIgnore]
    public IEnumerable<string> Inputs => Content is null ? [] : [Content];

    /// <summary>Puts a data set into a store.</summary>
    /// <param name="store">The store.</param>
    /// <param name="data">Which pictures.</param>
    /// <param name="relativeTo">Folder that a relative path starts from.</param>
    public static UnitData Import(UnitStore store, DataSpec data, string relativeTo)
    {
        if (data.IsEmbedded) return new UnitData(data, null);
        string path = Path.GetFullPath(Path.Combine(relativeTo, data.Set));
        // The sheet of a pack is read with the files beside it.
        return File.Exists(path)
            ? new UnitData(data with { Set = Path.GetFileName(path) }, store.Import(Path.GetDirectoryName(path)!))
            : new UnitData(data with { Set = "." }, store.Import(path));
    }
}
