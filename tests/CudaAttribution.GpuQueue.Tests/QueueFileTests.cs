using CudaAttribution.GpuQueue.Queue;

namespace CudaAttribution.GpuQueue.Tests;

public sealed class QueueFileTests
{
    private readonly TemporaryFolder _folder = new();

    [OneTimeTearDown]
    public void Remove() => _folder.Dispose();

    [Test]
    public void The_committed_queue_is_read_in_the_order_of_priority()
    {
        var steps = QueueFile.Read(Path.Combine(AppContext.BaseDirectory, "gpu-queue.json")).Queue.Steps;
        Assert.That(steps.Select(s => s.Priority), Is.Ordered);
        Assert.That(steps.Select(s => s.Kind).Distinct(), Is.EquivalentTo(Enum.GetValues<StepKind>()));
        Assert.That(steps[0].Kind, Is.EqualTo(StepKind.Facts));
        // Facts and parity come before anything that is timed.
        Assert.That(steps.TakeWhile(s => s.Kind is StepKind.Facts or StepKind.Parity).Count(), Is.EqualTo(3));
    }

    [Test]
    public void Steps_of_equal_priority_keep_the_order_of_the_file()
    {
        var steps = Read(Step("b", 2), Step("a", 2), Step("z", 1)).Steps;
        Assert.That(steps.Select(s => s.Name), Is.EqualTo(new[] { "z", "b", "a" }));
    }

    [TestCase("""{ "name": "a", "kind": "facts", "priority": 1, "seconds": 0 }""", "its box is 0 s")]
    [TestCase("""{ "name": "a", "kind": "facts", "priority": 1, "seconds": 5, "least": 6 }""", "least is 6 s")]
    [TestCase("""{ "name": "a/b", "kind": "facts", "priority": 1, "seconds": 5 }""", "a name is letters")]
    [TestCase("""{ "name": "a", "kind": "model", "priority": 1, "seconds": 5, "part": "sampling" }""", "it needs model and batch")]
    [TestCase("""{ "name": "a", "kind": "model", "priority": 1, "seconds": 5, "model": "demo", "batch": 1, "part": "dreaming" }""", "part must be")]
    [TestCase("""{ "name": "a", "kind": "sanitizer", "priority": 1, "seconds": 5, "tool": "soap" }""", "tool must be memcheck")]
    [TestCase("""{ "name": "a", "kind": "variants", "priority": 1, "seconds": 5 }""", "another engine than kernels")]
    [TestCase("""{ "name": "a", "kind": "model", "priority": 1, "seconds": 5, "model": "demo", "batch": 0, "part": "sampling" }""", "batch is 0")]
    [TestCase("""{ "name": "a", "kind": "model", "priority": 1, "seconds": 5, "model": "demo", "batch": 1, "part": "sampling", "repeats": 0 }""", "repeats is 0")]
    [TestCase("""{ "name": "a", "kind": "facts", "priority": 1, "seconds": 5, "colour": 3 }""", "colour")]
    [TestCase("""{ "name": "a", "kind": "facts", "priority": 1, "seconds": 5, "repeats": 3 }""", "repeats has no effect")]
    [TestCase("""{ "name": "a", "kind": "pytorch", "priority": 1, "seconds": 5, "model": "demo", "batch": 1, "part": "sampling", "math": "bf16" }""", "math has no effect")]
    [TestCase("""{ "name": "a", "kind": "parity", "priority": 1, "seconds": 5, "math": "abacus" }""", "math must be one of kernels")]
    [TestCase("""{ "name": "a", "kind": "model", "priority": 1, "seconds": 5, "model": "sd-9", "batch": 1, "part": "sampling" }""", "model must be one of sd-v1.5")]
    [TestCase("""{ "name": "a", "kind": "party", "priority": 1, "seconds": 5 }""", "kind")]
    [TestCase("""{ "name": "a", "kind": "facts", "priority": 1 }""", "seconds")]
    public void A_step_that_makes_no_sense_is_named(string step, string expected) =>
        Assert.That(() => Read(step), Throws.TypeOf<QueueException>().With.Message.Contains(expected).And.Message.Contains("queue.json"));

    [Test]
    public void Two_steps_of_one_name_are_refused() =>
        Assert.That(() => Read(Step("a", 1), Step("a", 2)), Throws.TypeOf<QueueException>().With.Message.Contains("2 steps named 'a'"));

    [TestCase("""{ "format": 2, "steps": [] }""", "format 2")]
    [TestCase("[", "can be read")]
    [TestCase("null", "can be read")]
    public void Another_file_is_no_queue(string text, string expected) =>
        Assert.That(() => QueueFile.Read(_folder.Write("queue.json", text)), Throws.TypeOf<QueueException>().With.Message.Contains(expected));

    [Test]
    public void A_missing_file_is_named() =>
        Assert.That(() => QueueFile.Read(_folder["nothing.json"]), Throws.TypeOf<QueueException>().With.Message.Contains("nothing.json"));

    private static string Step(string name, int priority) => $$"""{ "name": "{{name}}", "kind": "facts", "priority": {{priority}}, "seconds": 5 }""";

    private QueueFile Read(params string[] steps) =>
        QueueFile.Read(_folder.Write("queue.json", $$"""{ "format": 1, "steps": [{{string.Join(",", steps)}}] }""")).Queue;
}
