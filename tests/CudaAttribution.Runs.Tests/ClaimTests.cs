using System.Globalization;
using CudaAttribution.Runs.Manifests;
using CudaAttribution.Tests;

namespace CudaAttribution.Runs.Tests;

public sealed class ClaimTests
{
    private const string File = "run.json";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private sealed record Description(string Name, int Steps);

    [Test]
    public void A_second_claim_is_refused_until_the_first_is_let_go()
    {
        var folder = new RunFolder(TestFolder.New("run"));
        var first = Claim.Take(folder, File, new Description("a", 1), "a run");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(first.Resumed, Is.False);
            Assert.That(Claim.TryLock(folder, File), Is.Null);
            Assert.That(Claim.HolderOf(folder.Root, File)?.ProcessId, Is.EqualTo(Environment.ProcessId));
        }
        first.Dispose();
        first.Dispose();
        using var second = Claim.Take(folder, File, new Description("a", 1), "a run");
        Assert.That(second.Resumed);
    }

    [Test]
    public void What_was_let_go_leaves_no_lock_behind()
    {
        var folder = new RunFolder(TestFolder.New("run"));
        Claim.Take(folder, File, new Description("a", 1), "a run").Dispose();
        Assert.That(Directory.EnumerateFileSystemEntries(folder.Root).Select(Path.GetFileName), Is.EqualTo([File]));
    }

    [Test]
    public void Another_process_is_refused_by_name_and_one_that_was_killed_has_let_go()
    {
        var folder = new RunFolder(TestFolder.New("run"));
        using var other = TestProgram.Start("hold", folder.Root, File);
        Assert.That(other.StandardOutput.ReadLine(), Is.EqualTo("held"));
        var refused = Assert.Throws<UserException>(() => Claim.Lock(folder, File));
        Assert.That(refused.Message, Does.Contain($"process {other.Id} on {Environment.MachineName}").And.Contain(folder.Root));
        other.Kill();
        other.WaitForExit();
        Assert.That(Claim.HolderOf(folder.Root, File), Is.Null, "the lock file is there, its holder is dead");
        using var mine = Claim.Lock(folder, File);
        Assert.That(Claim.HolderOf(folder.Root, File)?.ProcessId, Is.EqualTo(Environment.ProcessId));
    }

    [Test]
    public void A_folder_for_something_else_is_refused_with_the_differences_and_let_go()
    {
        var folder = new RunFolder(TestFolder.New("run"));
        Claim.Take(folder, File, new Description("a", 40), "a run").Dispose();
        var refused = Assert.Throws<UserException>(() => Claim.Take(folder, File, new Description("a", 50), "a run"));
        Assert.That(refused.Message, Does.Contain("steps was 40, is 50").And.Not.Contain("name was"));
        using var again = Claim.Take(folder, File, new Description("a", 40), "a run");
        Assert.That(again.Resumed);
    }

    [Test]
    public void A_description_that_is_no_JSON_is_refused()
    {
        var folder = new RunFolder(TestFolder.New("run"));
        folder.Write(File, "{\"name\":");
        Assert.That(
            () => Claim.Take(folder, File, new Description("a", 1), "a run"), Throws.TypeOf<UserException>().With.Message.Contains("not a valid"));
    }

    [Test]
    public void The_lease_of_another_machine_is_respected()
    {
        var folder = new RunFolder(TestFolder.New("run"));
        WriteLock(folder, "elsewhere", DateTimeOffset.UtcNow - Claim.Lease / 2);
        Assert.That(() => Claim.Lock(folder, File), Throws.TypeOf<UserException>().With.Message.Contains("process 1 on node7"));
        Assert.That(System.IO.File.ReadAllText(LockPath(folder)), Does.Contain("elsewhere"), "what the other machine wrote stays");
    }

    [Test]
    public void A_lease_of_another_machine_that_has_run_out_is_taken_over()
    {
        var folder = new RunFolder(TestFolder.New("run"));
        WriteLock(folder, "elsewhere", DateTimeOffset.UtcNow - Claim.Lease * 1.1);
        using var claim = Claim.Lock(folder, File);
        Assert.That(claim.EnsureHeld, Throws.Nothing);
    }

    [Test]
    public void The_manifest_of_a_run_at_work_leaves_the_lock_out()
    {
        var folder = new RunFolder(TestFolder.New("run"));
        using var claim = Claim.Take(folder, File, new Description("a", 1), "a run");
        var device = new ManifestDevice("cpu", "cpu", "host", "avx2", "1", 1, 1, "kernels", "0");
        var manifest = new RunRecorder("test", ["test"], () => device, "none", seed: 1).Describe(folder);
        Assert.That(manifest.Outputs.Keys, Is.EqualTo([File]));
    }

    [TestCase("")]
    [TestCase("node7\nkernel")]
    public void A_lock_file_whose_maker_was_killed_before_it_wrote_is_free(string text)
    {
        var folder = new RunFolder(TestFolder.New("run"));
        System.IO.File.WriteAllText(LockPath(folder), text);
        using var claim = Claim.TryLock(folder, File);
        Assert.That(claim, Is.Not.Null);
    }

    [Test]
    public void A_holder_that_was_taken_over_learns_of_it_and_leaves_the_other_alone()
    {
        var folder = new RunFolder(TestFolder.New("run"));
        using var claim = Claim.Lock(folder, File);
        // As another machine sees it where the file system passes no locks on.
        System.IO.File.Delete(LockPath(folder));
        WriteLock(folder, "elsewhere", DateTimeOffset.UtcNow);
        Assert.That(claim.EnsureHeld, Throws.TypeOf<UserException>().With.Message.Contains("taken this folder over"));
        Assert.That(claim.Lost.IsCancellationRequested);
        claim.Dispose();
        Assert.That(System.IO.File.ReadAllText(LockPath(folder)), Does.Contain("elsewhere"));
    }

    [Test]
    public void A_folder_that_cannot_be_locked_is_no_busy_folder()
    {
        var folder = new RunFolder(TestFolder.New("run"));
        Directory.CreateDirectory(LockPath(folder));
        Assert.That(() => Claim.TryLock(folder, File), Throws.TypeOf<UserException>().With.Message.Contains("cannot lock this folder"));
    }

    [Test]
    public void Processes_that_take_and_let_go_in_turn_are_never_inside_together()
    {
        const int Rounds = 150;
        var folder = new RunFolder(TestFolder.New("run"));
        var others = Enumerable.Range(0, 3).Select(_ => TestProgram.Start("increment", folder.Root, File, $"{Rounds}")).ToArray();
        foreach (var other in others)
        {
            Assert.That(other.WaitForExit(Patience), "it never came to an end");
            Assert.That(other.ExitCode, Is.Zero);
            other.Dispose();
        }
        // Each reads a number, goes through the scheduler, and writes the next: two inside together lose one.
        Assert.That(System.IO.File.ReadAllText(folder.Path("number")), Is.EqualTo($"{3 * Rounds}"));
    }

    private static string LockPath(RunFolder folder) => folder.Path($".{File}.lock");

    private static void WriteLock(RunFolder folder, string kernel, DateTimeOffset renewed) => System.IO.File.WriteAllText(
        LockPath(folder), $"node7\n{kernel}\n1\n{renewed.ToString("O", CultureInfo.InvariantCulture)}\n{Guid.NewGuid():N}");
}
