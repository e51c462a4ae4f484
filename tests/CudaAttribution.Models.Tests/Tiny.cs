using CudaAttribution.Images;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Files;
using CudaAttribution.Models.Text;
using CudaAttribution.Models.Training;
using CudaAttribution.Models.Vae;
using CudaAttribution.Tensors;

namespace CudaAttribution.Models.Tests;

/// <summary>A model small enough to train and sample within a test, and pictures for it.</summary>
internal static class Tiny
{
    public static readonly ModelPreset Preset = ModelPreset.FromJson(
        """
        {
          "unet": { "sample_size": 8, "in_channels": 3, "out_channels": 3, "block_out_channels": [8, 16], "layers_per_block": 1,
            "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"], "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"],
            "attention_head_dim": 4, "cross_attention_dim": 16, "norm_num_groups": 4 },
          "text_encoder": { "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "hidden_act": "gelu" },
          "tokenizer": { "model_max_length": 6, "max_vocabulary": 64 },
          "scheduler": { "prediction_type": "v_prediction" }
        }
        """,
        "tiny",
        "tiny");

    public static readonly string[] Captions =
    [
        "a red disc", "a blue disc", "a green square", "a white square", "a red square", "a blue cross", "nothing",
    ];

    public static DiffusionModel Model(ComputeDevice device, ModelUse use = ModelUse.TrainAll, ulong seed = 7) =>
        DiffusionModel.Create(Preset, Captions, device, seed, use);

    /// <summary>The same on latents: the autoencoder halves the sides once, to pictures of 16 x 16.</summary>
    public static DiffusionModel LatentModel(ComputeDevice device, ModelUse use = ModelUse.TrainUNet, ulong seed = 7)
    {
        var tokenizer = WordTokenizer.Train(Captions, Preset.MaxTokens);
        var unet = Preset.UNet with { InChannels = 4, OutChannels = 4 };
        var vae = new AutoencoderKLConfig { BlockOutChannels = [8, 8], NormNumGroups = 4, SampleSize = 16, ScalingFactor = 0.5 };
        return DiffusionModel.Create(new ModelIndex(unet, Preset.TextEncoderFor(tokenizer), tokenizer, Preset.Scheduler, vae), device, seed, use);
    }

    /// <summary>With dropped captions, so that tests see them.</summary>
    public static DiffusionObjective Objective => new() { CaptionDrop = 0.3 };

    public static DiffusionTask Task(DiffusionModel model, TrainingSet? data = null, DiffusionObjective? objective = null) =>
        new(model, data ?? Data(side: model.PictureSize), objective ?? Objective);

    public static ITrainingStep Step(DiffusionModel model, TrainOptions options, TrainingSet? data = null, DiffusionObjective? objective = null) =>
        Task(model, data, objective).Prepare(options);

    public static TrainingLoop Training(DiffusionModel model, TrainOptions options, TrainingSet? data = null, DiffusionObjective? objective = null) =>
        new(Task(model, data, objective), options);

    /// <summary>One picture per caption: a smooth pattern of its own.</summary>
    public static TrainingSet Data(int count = 7, int side = 8)
    {
        return new TrainingSet([.. Enumerable.Range(0, count).Select(Picture)], Captions[..count]);

        RgbImage Picture(int picture)
        {
            byte[] pixels = new byte[side * side * 3];
            for (int i = 0; i < pixels.Length; i++)
            {
                int y = i / (3 * side), x = i / 3 % side, c = i % 3;
                pixels[i] = (byte)(128 + 110 * Math.Sin(0.7 * picture * (c + 1) + 0.5 * x * (picture % 3) - 0.4 * y));
            }
            return new RgbImage(side, side, pixels);
        }
    }
}
