using System.CommandLine;
using CudaAttribution.Cli.Options;
using CudaAttribution.Cli.Running;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Driver;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Training;
using CudaAttribution.Runs;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Cli.Tests;

/// <summary>What the program makes of an exception: a sentence where the user can mend it, the stack trace where the program is wrong.</summary>
[NonParallelizable]
public sealed class ShellTests
{
    private static readonly Exception[] Mendable =
    [
        new UserException("the file is wrong", "Mend it"), new UsageException("--a needs --b"), new ModelFileException("no model"),
        new ImageDecodeException(ImageDecodeError.Damaged, "cut short"), new TrainingMemoryException("too large"),
        new DeviceUnavailableException(DeviceStatus.NoDevice, "CUDA_ERROR_NO_DEVICE", "no GPU"), new NativeLibraryException("no library"),
        new WeightFileException("a.safetensors", null, "cut short"), new NotFiniteNumberException("the loss is NaN"),
        new FileNotFoundException("no file"), new UnauthorizedAccessException("not yours"), new OperationCanceledException(),
    ];

    private static readonly Exception[] Defects =
    [
        new ArgumentException("a shape does not fit"), new ArgumentOutOfRangeException("index"), new InvalidOperationException("not now"),
        new NullReferenceException(), new OverflowException("too large"), new OfThisProgram(),
    ];

    [TestCaseSource(nameof(Mendable))]
    public void What_a_user_can_mend_is_one_sentence(Exception e)
    {
        var (code, error) = Throwing(e);
        Assert.That((code, error), Is.EqualTo((Shell.Failed, $"cudattr: {e.Message}{Environment.NewLine}")));
    }

    [TestCaseSource(nameof(Defects))]
    public void A_defect_says_so_and_keeps_its_stack_trace(Exception e)
    {
        var (code, error) = Throwing(e);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(code, Is.EqualTo(Shell.Defect));
            Assert.That(error, Does.StartWith("cudattr: this is a defect of the program").And.Contain(e.GetType().FullName!).And.Contain(e.Message));
            Assert.That(error, Does.Contain($"   at {typeof(ShellTests).FullName}."));
        }
    }

    [Test]
    public void A_setting_is_named_as_the_option_that_it_is() => Assert.That(
        Throwing(new UserException("there are no decoys", "Leave them out.") { Setting = "decoys" }).Error.TrimEnd(),
        Is.EqualTo("cudattr: there are no decoys. Leave them out. (--decoys)"));

    private static (int Code, string Error) Throwing(Exception e)
    {
        var root = new RootCommand();
        root.SetAction(_ => Throw(e));
        var (before, written) = (Console.Error, new StringWriter());
        Console.SetError(written);
        try
        {
            return (Shell.Run(root, []), written.ToString());
        }
        finally
        {
            Console.SetError(before);
        }
    }

    private static int Throw(Exception e) => throw e;

    private sealed class OfThisProgram() : Exception("nobody expects this");
}
