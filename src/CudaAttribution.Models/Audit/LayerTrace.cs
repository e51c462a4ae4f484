using System.Text.Json.Nodes;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Audit;

/// <summary>How two traces differ in one layer.</summary>
/// <param name="Layer">Its name.</param>
/// <param name="Nmse">Σ(a−b)²/Σb², in float64; infinite where shapes differ or a value is not finite.</param>
/// <param name="MaxAbs">Largest difference of an element.</param>
/// <param name="Problem">What keeps the layers from being compared; null where nothing does.</param>
public sealed record LayerDifference(string Layer, double Nmse, double MaxAbs, string? Problem);

/// <summary>
/// The outputs of a network's layers as a folder: <c>layers.json</c> with the names in the order of computation, and a safetensors file for each,
/// one tensor <c>output</c>, feature maps as <c>[N,C,H,W]</c>.
/// </summary>
public static class LayerTrace
{
    public const string IndexFile = "layers.json";

    private const string TensorName = "output";

    /// <summary>Writes a trace; nothing is left of a run that failed.</summary>
    /// <param name="folder">Where to; replaced if it is a trace.</param>
    /// <param name="run">Runs the network and hands over each layer's output.</param>
    /// <exception cref="ModelFileException">The folder cannot be written or has other things in it.</exception>
    public static void Write(string folder, Action<Action<string, HostTensor>> run) => AtomicFolder.Write(
        folder,
        temporary =>
        {
            var names = new JsonArray();
            run((layer, output) =>
            {
                SafetensorsWriter.Write(
                    Path.Combine(temporary, FileOf(names.Count)),
                    new Dictionary<string, HostTensor> { [TensorName] = output },
                    new Dictionary<string, string> { ["layer"] = layer },
                    output.Type);
                names.Add(layer);
            });
            File.WriteAllText(Path.Combine(temporary, IndexFile), ConfigJson.Text(new JsonObject { ["layers"] = names }));
        },
        mayReplace: existing => File.Exists(Path.Combine(existing, IndexFile)));

    /// <summary>Compares the layers that both traces have, in the order of the first.</summary>
    /// <exception cref="ModelFileException">A folder is no trace, or they have no layer in common.</exception>
    public static IEnumerable<LayerDifference> Compare(string folder, string reference)
    {
        string[] left = Layers(folder), right = Layers(reference);
        var index = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < right.Length; i++) index.TryAdd(right[i], i);
        if (!left.Any(index.ContainsKey))
        {
            throw new ModelFileException(
                $"{folder} and {reference} have no layer in common: the first begins with {left.FirstOrDefault()}, the other with "
                + right.FirstOrDefault());
        }
        for (int i = 0; i < left.Length; i++)
        {
            if (index.TryGetValue(left[i], out int j)) yield return Compare(left[i], Read(folder, i), Read(reference, j));
        }
    }

    private static LayerDifference Compare(string layer, HostTensor a, HostTensor b)
    {
        if (a.Shape != b.Shape) return new(layer, double.PositiveInfinity, double.PositiveInfinity, $"shapes {a.Shape} and {b.Shape} differ");
        float[] x = a.ToF32(), y = b.ToF32();
        double error = 0, size = 0, largest = 0;
        for (int i = 0; i < x.Length; i++)
        {
            double d = (double)x[i] - y[i];
            error += d * d;
            size += (double)y[i] * y[i];
            largest = Math.Max(largest, Math.Abs(d));
        }
        double nmse = error == 0 ? 0 : error / size;
        return double.IsFinite(nmse)
            ? new(layer, nmse, largest, null)
            : new(layer, double.PositiveInfinity, double.PositiveInfinity, "a value is NaN or infinite, or the reference is zero");
    }

    private static HostTensor Read(string folder, int index)
    {
        using var file = SafetensorsFile.Open(Path.Combine(folder, FileOf(index)));
        return file.Read(TensorName);
    }

    private static string[] Layers(string folder)
    {
        string path = Path.Combine(folder, IndexFile);
        var layers = ConfigJson.Load(path, "the layers of a trace")["layers"] as JsonArray
            ?? throw new ModelFileException($"{path}: the list 'layers' is missing");
        return [.. layers.Select(l => l?.ToString() ?? throw new ModelFileException($"{path}: a layer has no name"))];
    }

    private static string FileOf(int index) => $"{index:D5}.safetensors";
}
