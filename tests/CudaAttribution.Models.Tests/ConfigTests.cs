using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Schedulers;
using CudaAttribution.Models.Text;
using CudaAttribution.Models.UNet;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>Configuration files as they are found in the wild, and what must be refused.</summary>
public class ConfigTests
{
    private const string StableDiffusion15 = """
        {
          "_class_name": "UNet2DConditionModel", "_diffusers_version": "0.6.0", "act_fn": "silu", "attention_head_dim": 8,
          "block_out_channels": [320, 640, 1280, 1280], "center_input_sample": false, "cross_attention_dim": 768,
          "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
          "downsample_padding": 1, "flip_sin_to_cos": true, "freq_shift": 0, "in_channels": 4, "layers_per_block": 2, "mid_block_scale_factor": 1,
          "norm_eps": 1e-05, "norm_num_groups": 32, "out_channels": 4, "sample_size": 64,
          "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"]
        }
        """;

    [Test]
    public void StableDiffusionsConfigIsRead()
    {
        var config = UNetConfig.FromJson(StableDiffusion15, "config.json");
        Assert.That((config.SampleSize, config.CrossAttentionDim, config.AttentionHeadDim[3], config.NormEps), Is.EqualTo((64, 768, 8, 1e-5f)));
        Assert.That(config.BlockOutChannels, Is.EqualTo(new[] { 320, 640, 1280, 1280 }));
    }

    [Test]
    public void WrittenAndReadIsTheSame()
    {
        var unet = UNetConfig.FromJson(StableDiffusion15, "x") with
        {
            AttentionHeadDim = new[] { 5, 10, 20, 20 },
            UseLinearProjection = true,
            UpcastAttention = true,
        };
        Assert.That(UNetConfig.FromJson(unet.ToJson(), "x").ToJson(), Is.EqualTo(unet.ToJson()));
        Assert.That(unet.ToJson(), Does.Contain("\"_class_name\": \"UNet2DConditionModel\"").And.Contain("\"cross_attention_dim\": 768"));
        var text = new ClipTextConfig { VocabSize = 9, HiddenAct = "gelu" };
        Assert.That(ClipTextConfig.FromJson(text.ToJson(), "x"), Is.EqualTo(text));
        var scheduler = new SchedulerConfig
        {
            PredictionType = PredictionType.VPrediction, TimestepSpacing = TimestepSpacing.Trailing, SetAlphaToOne = true,
        };
        Assert.That(SchedulerConfig.FromJson(scheduler.ToJson(), "x"), Is.EqualTo(scheduler));
        Assert.That(scheduler.ToJson(), Does.Contain("\"v_prediction\"").And.Contain("\"trailing\"").And.Contain("\"clip_sample\": false"));
    }

    [TestCase("\"freq_shift\": 0", "\"freq_shift\": 1", "freq_shift")]
    [TestCase("\"flip_sin_to_cos\": true", "\"flip_sin_to_cos\": false", "flip_sin_to_cos")]
    [TestCase("\"center_input_sample\": false", "\"center_input_sample\": true", "center_input_sample")]
    [TestCase("\"act_fn\": \"silu\"", "\"act_fn\": \"mish\"", "act_fn")]
    [TestCase("\"act_fn\": \"silu\"", "\"act_fn\": \"silu\", \"class_embed_type\": \"timestep\"", "class_embed_type")]
    [TestCase("\"act_fn\": \"silu\"", "\"act_fn\": \"silu\", \"brand_new_key\": 1", "brand_new_key")]
    [TestCase("\"UpBlock2D\"", "\"AttnUpBlock2D\"", "AttnUpBlock2D")]
    [TestCase("[320, 640, 1280, 1280]", "[320, 640, 1280]", "agree")]
    [TestCase("[320, 640, 1280, 1280]", "[320, 640, 1280, 1290]", "norm_num_groups")]
    [TestCase("\"attention_head_dim\": 8", "\"attention_head_dim\": [5, 10]", "attention_head_dim")]
    [TestCase("\"attention_head_dim\": 8", "\"attention_head_dim\": 7", "number of heads")]
    [TestCase("\"attention_head_dim\": 8", "\"attention_head_dim\": 160", "multiple of 4")]
    [TestCase("\"attention_head_dim\": 8", "\"attention_head_dim\": 1", "at most 160 wide")]
    [TestCase("\"attention_head_dim\": 8", "\"attention_head_dim\": \"x\"", "attention_head_dim")]
    [TestCase("\"sample_size\": 64", "\"sample_size\": 60", "sample_size")]
    [TestCase("\"sample_size\": 64", "\"sample_size\": 0", "zero")]
    [TestCase("\"sample_size\": 64,", "", "sample_size")]
    [TestCase("\"downsample_padding\": 1", "\"downsample_padding\": 2", "downsample_padding")]
    [TestCase("\"norm_eps\": 1e-05", "\"norm_eps\": -1", "norm_eps")]
    [TestCase("\"layers_per_block\": 2", "\"layers_per_block\": [2, 2, 2, 2]", "layers_per_block")]
    [TestCase("\"in_channels\": 4", "\"in_channels\": 4, \"in_channels\": 5", "not valid JSON")]
    [TestCase("\"in_channels\": 4", "\"in_channels\": \"\\ud83d\"", "not valid JSON")]
    [TestCase("\"in_channels\": 4", "\"in_channels\": 4, \"\\ude00\": 5", "not valid JSON")]
    public void AUNetThatWouldBeComputedWronglyIsRefused(string found, string replacement, string reason)
    {
        string json = StableDiffusion15.Replace(found, replacement, StringComparison.Ordinal);
        Assert.That(json, Is.Not.EqualTo(StableDiffusion15));
        Assert.That(
            () => UNetConfig.FromJson(json, "/models/x/config.json"),
            Throws.TypeOf<ModelFileException>().With.Message.Contains(reason).And.Message.Contains("/models/x/config.json"));
    }

    [Test]
    public void NewerConfigsWithEverythingSpeltOutAreRead()
    {
        string json = StableDiffusion15.Replace(
            "\"act_fn\": \"silu\"",
            """
            "act_fn": "silu", "dropout": 0.0, "class_embed_type": null, "conv_in_kernel": 3, "only_cross_attention": false,
            "resnet_out_scale_factor": 1.0, "addition_embed_type_num_heads": 64, "transformer_layers_per_block": 1,
            "mid_block_type": "UNetMidBlock2DCrossAttn", "upcast_attention": true
            """,
            StringComparison.Ordinal);
        Assert.That(UNetConfig.FromJson(json, "x").UpcastAttention, Is.True);
    }

    [Test]
    public void ClipTextConfigs()
    {
        var config = ClipTextConfig.FromJson(
            """
            { "_name_or_path": "openai/clip-vit-large-patch14", "architectures": ["CLIPTextModel"], "attention_dropout": 0.0, "bos_token_id": 0,
              "dropout": 0.0, "eos_token_id": 2, "hidden_act": "quick_gelu", "hidden_size": 768, "initializer_factor": 1.0,
              "initializer_range": 0.02, "intermediate_size": 3072, "layer_norm_eps": 1e-05, "max_position_embeddings": 77,
              "model_type": "clip_text_model", "num_attention_heads": 12, "num_hidden_layers": 12,
              "pad_token_id": 1, "projection_dim": 768, "torch_dtype": "float32", "transformers_version": "4.22.0.dev0", "vocab_size": 49408 }
            """,
            "x");
        Assert.That((config.HiddenSize, config.NumHiddenLayers, config.VocabSize, config.HiddenAct), Is.EqualTo((768, 12, 49408, "quick_gelu")));
        Assert.That(
            () => ClipTextConfig.FromJson("""{"hidden_act":"relu"}""", "x"),
            Throws.TypeOf<ModelFileException>().With.Message.Contains("relu"));
        Assert.That(
            () => ClipTextConfig.FromJson("""{"num_attention_heads":7}""", "x"),
            Throws.TypeOf<ModelFileException>().With.Message.Contains("divisible"));
        Assert.That(
            () => ClipTextConfig.FromJson("""{"attention_dropout":0.1}""", "x"),
            Throws.TypeOf<ModelFileException>().With.Message.Contains("attention_dropout"));
        Assert.That(() => ClipTextConfig.FromJson("""{"num_hidden_layers":0}""", "x"), Throws.TypeOf<ModelFileException>());
    }

    [Test]
    public void SchedulerConfigs()
    {
        // Stable Diffusion v1.5 ships PNDM with DDIM's betas, and says nothing about clipping.
        var config = SchedulerConfig.FromJson(
            """
            { "_class_name": "PNDMScheduler", "_diffusers_version": "0.6.0", "beta_end": 0.012, "beta_schedule": "scaled_linear",
              "beta_start": 0.00085, "num_train_timesteps": 1000,
              "set_alpha_to_one": false, "skip_prk_steps": true, "steps_offset": 1, "trained_betas": null }
            """,
            "x");
        Assert.That(config, Is.EqualTo(new SchedulerConfig()));
        Assert.That(() => SchedulerConfig.FromJson("{}", "x"), Throws.TypeOf<ModelFileException>().With.Message.Contains("beta_schedule"));
        string ddim = new SchedulerConfig().ToJson();
        Assert.That(
            () => SchedulerConfig.FromJson(ddim.Replace("\"clip_sample\": false", "\"clip_sample\": true", StringComparison.Ordinal), "x"),
            Throws.TypeOf<ModelFileException>().With.Message.Contains("clip_sample"));
        Assert.That(
            () => SchedulerConfig.FromJson(ddim.Replace("epsilon", "sample", StringComparison.Ordinal), "x"),
            Throws.TypeOf<ModelFileException>().With.Message.Contains("prediction_type"));
        Assert.That(
            () => SchedulerConfig.FromJson(ddim.Replace("\"leading\"", "3", StringComparison.Ordinal), "x"),
            Throws.TypeOf<ModelFileException>().With.Message.Contains("timestep_spacing"));
        Assert.That(
            () => SchedulerConfig.FromJson(ddim.Replace("0.012", "0.0001", StringComparison.Ordinal), "x"),
            Throws.TypeOf<ModelFileException>().With.Message.Contains("beta_start"));
    }
}
