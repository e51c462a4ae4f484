using System.Text.Json.Nodes;
using CudaAttribution.GpuQueue.Tools;

namespace CudaAttribution.GpuQueue.Tests;

public sealed class CounterTableTests
{
    private const string Header = "\"ID\",\"Process ID\",\"Kernel Name\",\"Grid Size\",\"Section Name\",\"Metric Name\",\"Metric Unit\",\"Metric Value\",\"Rule Name\"";

    [Test]
    public void Metrics_belong_to_their_launch()
    {
        var table = Table(
            "==PROF== Connected to process 42",
            Header,
            "\"0\",\"42\",\"gemm_nn_f32\",\"(64, 5, 1)\",\"Speed\",\"Duration\",\"us\",\"1,234.50\",\"\"",
            "\"0\",\"42\",\"gemm_nn_f32\",\"(64, 5, 1)\",\"Speed\",\"DRAM Throughput\",\"%\",\"12.5\",\"\"",
            "\"0\",\"42\",\"gemm_nn_f32\",\"(64, 5, 1)\",\"Speed\",\"\",\"\",\"\",\"a rule that says \"\"hello\"\", and more\"",
            "\"1\",\"42\",\"silu_fwd_f32\",\"(8, 1, 1)\",\"Speed\",\"Duration\",\"us\",\"n/a\",\"\"",
            "==PROF== Disconnected",
            "\"2\",\"cut");
        var launches = table.Launches(["Duration", "DRAM Throughput"]).ToArray();
        Assert.That(launches, Has.Length.EqualTo(2));
        using (Assert.EnterMultipleScope())
        {
            Assert.That((string?)launches[0]["kernel"], Is.EqualTo("gemm_nn_f32"));
            Assert.That((string?)launches[0]["grid"], Is.EqualTo("(64, 5, 1)"));
            Assert.That((double)launches[0]["metrics"]!["Duration [us]"]!, Is.EqualTo(1234.5));
            Assert.That((double)launches[0]["metrics"]!["DRAM Throughput [%]"]!, Is.EqualTo(12.5));
            Assert.That((string?)launches[1]["metrics"]!["Duration [us]"], Is.EqualTo("n/a"));
        }
    }

    [TestCase("")]
    [TestCase("==ERROR== The user does not have permission")]
    [TestCase("\"not\",\"the\",\"header\"")]
    public void What_is_no_table_is_empty(string line) => Assert.That(Table(line).IsEmpty, Is.True);

    [Test]
    public void The_worst_kernels_are_those_with_most_time_in_all_models_together()
    {
        var results = new[] { Model(("a", 3), ("b", 2)), Model(("b", 2), ("c", 1)), new JsonObject { ["what"] = "parity" } };
        Assert.That(CountersStep.Worst(results), Is.EqualTo(new[] { "b", "a", "c" }));
        Assert.That(CountersStep.Worst([]), Is.Empty);

        static JsonObject Model(params (string Kernel, double Ms)[] kernels) => new()
        {
            ["what"] = "model", ["kernels"] = new JsonArray([.. kernels.Select(k => new JsonObject { ["kernel"] = k.Kernel, ["ms"] = k.Ms })]),
        };
    }

    private static CounterTable Table(params string[] lines)
    {
        var table = new CounterTable();
        foreach (string line in lines) table.Add(line);
        return table;
    }
}
