using CudaAttribution.Answers;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Files;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;

namespace CudaAttribution.Tests.Answers;

public class LocalModelTests
{
    [Test]
    public void AskedOneAfterAnotherItAnswersTheSameAndDrawsNoBatchThatNobodyWaitsFor()
    {
        string folder = TestFolder.New("model");
        using var device = ComputeDevice.Open("cpu", "kernels");
        using (var made = DiffusionModel.Create(ModelPreset.Load("nano"), ["red apple"], device, 1)) made.Save(folder);
        using var model = LocalModel.Open(folder, device, new SamplingRecipe { Steps = 1, Guidance = 1 });
        var noise = new NoiseStream(NoisePurpose.Testing, 7, model.Identity);
        Query[] queries = [.. Enumerable.Range(0, model.BatchSize + 2).Select(i => noise.Ask("red apple", i))];
        var expected = model.Generate(queries);

        using var cancel = new CancellationTokenSource();
        using var asked = model.Ask(queries, cancel.Token).GetEnumerator();
        for (int i = 0; i < model.BatchSize; i++)
        {
            Assert.That(asked.MoveNext());
            Assert.That(asked.Current.Query, Is.EqualTo(i));
            Assert.That(asked.Current.Answer.Image, Is.EqualTo(expected[i].Image));
            Assert.That(asked.Current.Answer.Receipt, Is.Null);
            cancel.Cancel();
        }
        Assert.That(() => asked.MoveNext(), Throws.InstanceOf<OperationCanceledException>(), "the next batch is drawn when it is wanted");
        Assert.That(model.Ask(queries).Last().Answer.Image, Is.EqualTo(expected[^1].Image));
    }
}
