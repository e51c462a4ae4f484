using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Schedulers;
using CudaAttribution.Models.Training;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tensors.Weights;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>Models whose UNet works on latents: files, pictures, training.</summary>
public class LatentModelTests : DeviceFixture
{
    [Test]
    public void SavedAndLoadedIsTheSame()
    {
        using var model = Tiny.LatentModel(Device);
        model.Save(Folder["m"]);
        using var loaded = DiffusionModel.Load(Folder["m"], Device);
        Assert.That(loaded.WeightsHash(), Is.EqualTo(model.WeightsHash()));
        Assert.That(loaded.Vae!.Config.ToJson(), Is.EqualTo(model.Vae!.Config.ToJson()));
        Assert.That((loaded.PictureSize, loaded.UNet.Config.SampleSize), Is.EqualTo((16, 8)));
        var index = JsonNode.Parse(File.ReadAllText(Folder["m", "model_index.json"]))!;
        Assert.That((string)index["_class_name"]!, Is.EqualTo("StableDiffusionPipeline"));
        Assert.That(index["vae"]!.AsArray().Select(v => (string)v!), Is.EqualTo(new[] { "diffusers", "AutoencoderKL" }));
    }

    /// <summary>As diffusers writes large models: two shards and an index.</summary>
    [Test]
    public void ShardedWeightsAreRead()
    {
        using var model = Tiny.LatentModel(Device);
        model.Save(Folder["m"]);
        string whole = Folder["m", "unet", "diffusion_pytorch_model.safetensors"];
        var map = new JsonObject();
        using (var file = SafetensorsFile.Open(whole))
        {
            foreach (var (shard, names) in file.Tensors.Keys.Chunk(file.Tensors.Count / 2 + 1).Index())
            {
                string name = $"diffusion_pytorch_model-0000{shard + 1}-of-00002.safetensors";
                SafetensorsWriter.Write(Folder["m", "unet", name], names.ToDictionary(n => n, file.Read));
                foreach (string tensor in names) map[tensor] = name;
            }
        }
        File.Delete(whole);
        Assert.That(() => DiffusionModel.Load(Folder["m"], Device), Throws.InstanceOf<ModelFileException>().With.Message.Contains("does not exist"));
        File.WriteAllText($"{whole}.index.json", new JsonObject { ["weight_map"] = map }.ToJsonString());
        using var loaded = DiffusionModel.Load(Folder["m"], Device);
        Assert.That(loaded.WeightsHash(), Is.EqualTo(model.WeightsHash()));
    }

    [Test]
    public void TheIdentityCoversTheAutoencoder()
    {
        using var model = Tiny.LatentModel(Device);
        model.Save(Folder["m"]);
        using (var other = Tiny.LatentModel(Device, seed: 8)) other.Save(Folder["o"]);
        File.Copy(
            Folder["o", "vae", "diffusion_pytorch_model.safetensors"], Folder["m", "vae", "diffusion_pytorch_model.safetensors"], overwrite: true);
        using var mixed = DiffusionModel.Load(Folder["m"], Device);
        Assert.That(mixed.WeightsHash(), Is.Not.EqualTo(model.WeightsHash()));
    }

    /// <summary>As the UNet's own sampler steps end, decoded by hand: x / scaling_factor through the decoder.</summary>
    [Test]
    public void PicturesAreTheDecodedLatents()
    {
        using var model = Tiny.LatentModel(Device, ModelUse.Sampling);
        var options = new SampleOptions { Steps = 3, Guidance = 2 };
        var request = SampleRequest.For(["a red disc"], seed: 3);
        var picture = new Sampler(model, options).Sample(request);
        Assert.That((picture[0].Side, picture[0].Pixels.Length), Is.EqualTo((16, 16 * 16 * 3)));

        using var arena = new Arena(Device);
        var x = arena.New(new Shape(1, 8, 8, 4));
        RandomNumbers.Normal(x, 3, Philox.Stream($"sample.{options.Purpose}"));
        using (var tape = new Tape(Device, record: false))
        {
            var text = model.EncodeText(tape, ["", "a red disc"]);
            Sampler.Run(model.UNet, x, text, DdimScheduler.Steps(model.Scheduler, 3), 2);
            float[] latent = [.. x.ToArray<float>().Select(v => v * 2)];
            float[] decoded = model.Vae!.Decode(tape, arena.From(latent, x.Shape)).ToArray<float>();
            Assert.That(Nmse.Of(picture.Values, decoded), Is.LessThan(1e-12));
        }
    }

    [Test]
    public void AnyBatchGivesTheSamePictures()
    {
        using var model = Tiny.LatentModel(Device, ModelUse.Sampling);
        var requests = SampleRequest.For(["a red disc", "nothing", "a blue cross"], seed: 1);
        var options = new SampleOptions { Steps = 2 };
        Assert.That(
            new Sampler(model, options with { MaxBatch = 1 }).Sample(requests).Pixels,
            Is.EqualTo(new Sampler(model, options).Sample(requests).Pixels));
    }

    [Test]
    public void TrainingChangesTheUNetOnlyAndResumesBitForBit()
    {
        var options = new TrainOptions { Steps = 4, BatchSize = 3, LearningRate = 1e-3, Seed = 5, ReportInterval = 1 };
        string Trained(TrainOptions o, out TrainResult result)
        {
            using var model = Tiny.LatentModel(Device);
            using var trainer = Tiny.Training(model, o);
            result = trainer.Run();
            model.Save(Folder["m"]);
            return model.WeightsHash();
        }
        string whole = Trained(options, out var once);
        Trained(options with { Steps = 2, CheckpointFolder = Folder["c"], CheckpointInterval = 2 }, out _);
        string resumed = Trained(options with { CheckpointFolder = Folder["c"], CheckpointInterval = 2, Resume = true }, out var twice);
        Assert.That((resumed, twice.FirstStep), Is.EqualTo((whole, 2)));
        Assert.That(twice.Losses, Is.EqualTo(once.Losses).And.All.Positive);
        using (var start = Tiny.LatentModel(Device)) start.Save(Folder["s"]);
        Assert.That(Bytes("m", "vae"), Is.EqualTo(Bytes("s", "vae")));
        Assert.That(Bytes("m", "unet"), Is.Not.EqualTo(Bytes("s", "unet")));

        byte[] Bytes(string model, string part) => File.ReadAllBytes(Folder[model, part, "diffusion_pytorch_model.safetensors"]);
    }

    [Test]
    public void EveryStepDrawsItsLatentsAnew()
    {
        using var model = Tiny.LatentModel(Device);
        using var pictures = new TrainingPictures(model, Tiny.Data(side: 16), seed: 5);
        using var tape = new Tape(Device, record: false);
        byte[] written = new byte[2 * (int)pictures.Picture.Count * sizeof(float)];
        pictures.Write([2, 4], written);
        var drawn = tape.Arena.From(MemoryMarshal.Cast<byte, float>(written).ToArray(), [2, .. pictures.Picture]);
        float[] first = pictures.Batch(tape, 0, drawn).ToArray<float>(), again = pictures.Batch(tape, 0, drawn).ToArray<float>();
        float[] second = pictures.Batch(tape, 1, drawn).ToArray<float>();
        Assert.That(again, Is.EqualTo(first));
        Assert.That(second, Is.Not.EqualTo(first));
    }

    [TestCase("model_index.json", "\"vae\"", "\"controlnet\"", "the part 'controlnet' is not supported")]
    [TestCase("vae/config.json", "\"latent_channels\": 4", "\"latent_channels\": 8", "differ from the autoencoder's latent_channels 8")]
    [TestCase("vae/config.json", "\"norm_num_groups\": 4", "\"norm_num_groups\": 3", "not divisible by norm_num_groups")]
    public void AnAutoencoderThatDoesNotFitIsNamed(string file, string what, string with, string word)
    {
        using (var model = Tiny.LatentModel(Device)) model.Save(Folder["m"]);
        string path = Path.Combine(Folder["m"], file), text = File.ReadAllText(path);
        Assert.That(text, Does.Contain(what));
        File.WriteAllText(path, text.Replace(what, with, StringComparison.Ordinal));
        Assert.That(() => DiffusionModel.Load(Folder["m"], Device), Throws.InstanceOf<ModelFileException>().With.Message.Contains(word));
    }

    [Test]
    public void PicturesOfTheLatentsSizeAreRefused()
    {
        using var model = Tiny.LatentModel(Device);
        Assert.That(
            () => new DiffusionTask(model, Tiny.Data()),
            Throws.ArgumentException.With.Message.Contains("8x8, the model takes 16x16"));
    }
}
