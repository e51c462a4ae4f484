using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Files.SingleFile;
using CudaAttribution.Models.Files.Sources;
using CudaAttribution.Models.Layers;
using CudaAttribution.Models.Text;
using CudaAttribution.Models.UNet;
using CudaAttribution.Models.Vae;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Files;

/// <summary>
/// Writes a model in another form: diffusers' folder or a single file in the original layout, with other configurations or adapters merged in. The
/// weights pass through piece by piece; the model is never in memory.
/// </summary>
public static class ModelConverter
{
    /// <summary>What converting did.</summary>
    /// <param name="Parameters">Number of parameters written.</param>
    /// <param name="Derivation">As <see cref="DiffusionModel.Derivation"/>.</param>
    public sealed record Result(long Parameters, string? Derivation);

    /// <summary>Writes a folder in diffusers' layout; it appears whole or not at all, and replaces a model that is there.</summary>
    /// <param name="model">The model.</param>
    /// <param name="folder">Where to.</param>
    /// <param name="type">Type of the weights, F32, F16 or BF16; null keeps those of the model.</param>
    /// <exception cref="ModelFileException">The model is unusable or does not fit its configuration, or the folder cannot be written.</exception>
    public static Result ToFolder(ModelReference model, string folder, DType? type = null)
    {
        using var source = ModelSource.Open(model);
        var index = source.Index();
        long parameters = Check(source, index);
        List<ComponentFolder> components = [ComponentFolder.UNet, ComponentFolder.TextEncoder];
        if (index.Vae is not null) components.Add(ComponentFolder.Vae);
        var metadata = new Dictionary<string, string> { ["format"] = "pt" };
        AtomicFolder.Write(
            folder,
            temporary =>
            {
                index.Write(temporary);
                foreach (var component in components)
                    SafetensorsWriter.Write(component.Weights(temporary), source.Weights(component), metadata, type);
            },
            mayReplace: existing => File.Exists(Path.Combine(existing, ModelIndex.FileName)));
        return new Result(parameters, source.Derivation([.. ComponentFolder.All]));
    }

    /// <summary>Writes a single file in the original layout; it appears whole or not at all, and replaces a file that is there.</summary>
    /// <param name="model">The model.</param>
    /// <param name="file">Where to, another file than the model's.</param>
    /// <param name="type">As for a folder.</param>
    /// <exception cref="ModelFileException">As for a folder, or the model has no autoencoder, or a weight no name in the original layout.</exception>
    public static Result ToSingleFile(ModelReference model, string file, DType? type = null)
    {
        using var source = ModelSource.Open(model);
        var index = source.Index();
        if (index.Vae is null)
            throw new ModelFileException($"{source.Path} has no autoencoder: the original layout is for models that work on latents");
        long parameters = Check(source, index);
        var unet = source.Weights(ComponentFolder.UNet);
        SingleFileWriter.Write(
            file, unet, source.Weights(ComponentFolder.Vae), source.Weights(ComponentFolder.TextEncoder), WeightShapes.FamilyOf(unet),
            index.Scheduler.PredictionType, type);
        return new Result(parameters, source.Derivation([.. ComponentFolder.All]));
    }

    /// <summary>Checks names, shapes and types of all weights against the configurations.</summary>
    /// <returns>Number of parameters.</returns>
    private static long Check(ModelSource source, ModelIndex index)
    {
        using var device = ComputeDevice.Open("cpu");
        long count = Check(ComponentFolder.UNet, scope => new UNet2DConditionModel(index.UNet, scope))
            + Check(ComponentFolder.TextEncoder, scope => new ClipTextModel(index.TextEncoder, scope));
        return index.Vae is { } vae ? count + Check(ComponentFolder.Vae, scope => new AutoencoderKL(vae, scope)) : count;

        long Check(ComponentFolder component, Action<ParameterScope> build)
        {
            // Not frozen, the set knows shapes and takes no memory.
            using var shapes = new ParameterSet(device);
            build(new ParameterScope(shapes, new WeightInit()));
            var part = new ModelPart(shapes, "");
            WeightFile.Check(source.Weights(component), part);
            return part.Count;
        }
    }
}
