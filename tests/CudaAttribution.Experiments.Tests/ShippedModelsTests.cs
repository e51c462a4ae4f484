using CudaAttribution.Answers;
using CudaAttribution.Experiments.Plans;
using CudaAttribution.Experiments.Units;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tests;
using CudaAttribution.Twins;

namespace CudaAttribution.Experiments.Tests;

/// <summary>The models that ship: who has the sources can train and draw them again, to the same bytes.</summary>
public sealed class ShippedModelsTests
{
    private static readonly string Models = Path.Combine(Repository.Root, "models");

    [Test]
    public void Three_of_the_twins_are_the_same_when_they_are_made_again()
    {
        // Another suite runs beside this one: on two cores one thread trains 300 pictures a second, two train 430.
        using var device = ComputeDevice.Open("cpu", "kernels", threads: 1);
        var shipped = TwinSet.Load(Path.Combine(Models, "twins"));
        int[] numbers = [1, shipped.Models.Count / 2, shipped.Models.Count - 1];
        using var source = LocalModel.Open(Path.Combine(Models, "source"), device, shipped.Design.Sampling);
        Assert.That((shipped.Models.Count, shipped.SourceReproduced, shipped.Models[0].Identity), Is.EqualTo((100, true, source.Identity)));
        var folder = new RunFolder(TestFolder.New("twins"));
        var store = UnitStore.OpenOrCreate(folder.Path("units"));
        var plan = new TwinPlan
        {
            // Without its seed the source is not trained once more.
            Design = shipped.Design with { Seeds = [.. numbers.Select(n => shipped.Models[n].Seed!.Value)], Source = shipped.Design.Source with { Seed = null } },
            Base = store.Import(LocalModel.ModelFolder(Path.Combine(Models, "g0"))),
            Source = store.Import(LocalModel.ModelFolder(Path.Combine(Models, "source"))),
            Data = UnitData.Import(store, shipped.Design.Data, ""),
        };
        store.Add(plan.Units().Graph);
        TinyModels.Compute(device, store, plan.Units().Graph);
        var again = plan.Assemble(store, folder);
        using (Assert.EnterMultipleScope())
        {
            foreach (var (i, number) in numbers.Prepend(0).Index())
            {
                Assert.That(again.Models[i].Identity, Is.EqualTo(shipped.Models[number].Identity), $"weights of model {number}");
                Assert.That(
                    File.ReadAllBytes(folder.Path(TwinSet.PageFile(i, 0))), Is.EqualTo(File.ReadAllBytes(Path.Combine(Models, "twins", TwinSet.PageFile(number, 0)))),
                    $"pictures of model {number}");
            }
        }
    }
}
