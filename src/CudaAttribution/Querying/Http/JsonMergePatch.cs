using System.Text.Json.Nodes;

namespace CudaAttribution.Querying.Http;

/// <summary>RFC 7396: members of the patch replace those of the target, objects are merged, null removes.</summary>
internal static class JsonMergePatch
{
    public static JsonObject Apply(JsonObject target, JsonObject patch)
    {
        var result = (JsonObject)target.DeepClone();
        foreach (var (name, value) in patch)
        {
            switch (value)
            {
                case null:
                    result.Remove(name);
                    break;
                case JsonObject inner:
                    result[name] = Apply(result[name] as JsonObject ?? [], inner);
                    break;
                default:
                    result[name] = value.DeepClone();
                    break;
            }
        }
        return result;
    }
}
