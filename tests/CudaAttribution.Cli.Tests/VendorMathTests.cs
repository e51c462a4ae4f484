using System.Text.Json;

namespace CudaAttribution.Cli.Tests;

/// <summary>
/// The engine <c>cublas-cudnn</c> on <c>cuda:0</c> without a GPU: driver, cuBLAS and cuDNN are fakes that follow the rules of the real ones
/// (arguments, descriptors, statuses, order in the stream) and compute in double. So what the engine asks of the libraries is run; the libraries
/// are not.
/// </summary>
public sealed class VendorMathTests
{
    private const string Engine = "cublas-cudnn";

    private const string Libraries =
#if MANAGEDCUDA
        "cublas 12.4.5, cudnn 9.1.0 through ManagedCuda, kernels for unequal padding and where cudnn has no deterministic algorithm";
#else
        "cublas 12.4.5, cudnn 9.1.0, kernels for unequal padding and where cudnn has no deterministic algorithm";
#endif

    private static readonly string Models = Path.Combine(AppContext.BaseDirectory, "models");
    private static readonly string[] Sample =
        ["sample", "--model", Path.Combine(Models, "source"), "--prompt", "cat", "--count", "1", "--sample-steps", "1"];
    private static readonly FakeGpu Fake = new();

    [OneTimeTearDown]
    public void Remove() => Fake.Dispose();

    [TestCase("linear", 24)]
    [TestCase("conv2d", 82)]
    [TestCase("conv2d", 82, "FAKE_CUDNN_WITHOUT_PRECOMP=1")]
    public void Passes_the_audit(string op, int checks, params string[] settings)
    {
        var result = Verify(op, settings);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.ExitCode, Is.Zero, result.Error);
            Assert.That(result.Json.GetProperty("checks").GetInt32(), Is.EqualTo(checks));
            Assert.That(result.Json.GetProperty("failed").GetInt32(), Is.Zero);
            Assert.That(result.Error, Does.Not.Contain("not destroyed"));
        }
    }

    /// <summary>cuDNN may say so when the workspace is asked for, or only when the pass is to run.</summary>
    [TestCase("FAKE_CUDNN_REFUSE=0", "Forward")]
    [TestCase("FAKE_CUDNN_REFUSE=1", "BackwardData")]
    [TestCase("FAKE_CUDNN_REFUSE_LATE=2", "BackwardWeights")]
    [TestCase("FAKE_CUDNN_REFUSE_LATE=3", "BackwardData", "BackwardWeights", "Forward")]
    public void The_kernels_stand_in_for_what_cudnn_does_not_support(string setting, params string[] passes)
    {
        var result = Verify("conv2d", setting);
        string[] standIns = StandIns(result);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.ExitCode, Is.Zero, result.Error);
            Assert.That(result.Json.GetProperty("failed").GetInt32(), Is.Zero);
            Assert.That(standIns.Select(s => s.Split(' ')[1]).Distinct(), Is.EquivalentTo(passes));
            foreach (string pass in passes)
            {
                Assert.That(standIns, Does.Contain($"cuda:0 {pass} [2,8,6,6] * [10,3,3,6], stride 2, padding 1"));
                Assert.That(standIns, Has.None.Contains($"{pass} [2,5,3,70]"), "a product, which cuDNN does not see");
            }
            Assert.That(result.Error, Does.Not.Contain("not destroyed"));
        }
    }

    [Test]
    public void Nothing_stands_in_where_cudnn_computes_everything() => Assert.That(StandIns(Verify("conv2d")), Is.Empty);

    [TestCase("linear", "FAKE_CUBLAS_WRONG=1")]
    [TestCase("conv2d", "FAKE_CUDNN_WRONG=1")]
    public void A_library_that_computes_something_else_fails_the_audit(string op, string setting)
    {
        var result = Verify(op, setting);
        Assert.That(result.ExitCode, Is.EqualTo(3), result.Error);
        Assert.That(result.Json.GetProperty("failed").GetInt32(), Is.Positive);
    }

    [TestCase("CUDATTR_CUBLAS=/no/such/folder", "cuBLAS was not found", "CUDATTR_CUBLAS", "Tried: /no/such/folder")]
    [TestCase("CUDATTR_CUDNN=/etc", "cuDNN was not found", "CUDATTR_CUDNN", "Tried: /etc/libcudnn.so.9")]
    [TestCase("CUDATTR_CUDNN=/etc/passwd", "cuDNN cannot be loaded", "CUDATTR_CUDNN", "Tried: /etc/passwd")]
    [TestCase("FAKE_CUBLAS_VERSION=11.11.3", "cuBLAS 11.11.3", "libcublas.so.12", "12.0 or newer", "CUDATTR_CUBLAS")]
    [TestCase("FAKE_CUDNN_VERSION=8.9.7", "cuDNN 8.9.7", "libcudnn.so.9", "9.0 or newer", "CUDATTR_CUDNN")]
    [TestCase("FAKE_FAIL=cublasCreate_v2:1", "cuBLAS 12.4.5 could not start", "driver", "CUBLAS_STATUS_NOT_INITIALIZED")]
    [TestCase("FAKE_FAIL=cublasSetMathMode:14", "without TF32", "CUBLAS_STATUS_INTERNAL_ERROR")]
    [TestCase("FAKE_FAIL=cublasSgemm_v2:3", "could not multiply", "CUBLAS_STATUS_ALLOC_FAILED")]
    [TestCase("FAKE_FAIL=cudnnCreate:1001", "cuDNN 9.1.0 could not start", "driver", "CUDNN_STATUS_NOT_INITIALIZED")]
    [TestCase("FAKE_FAIL=cudnnSetStream:4000", "the device's stream", "CUDNN_STATUS_INTERNAL_ERROR")]
    [TestCase("FAKE_FAIL=cudnnSetTensor4dDescriptor:2000", "could not describe", "Kernel = 3", "CUDNN_STATUS_BAD_PARAM")]
    [TestCase("FAKE_FAIL=cudnnSetFilter4dDescriptor:2000", "could not describe", "CUDNN_STATUS_BAD_PARAM")]
    [TestCase("FAKE_FAIL=cudnnGetConvolutionForwardWorkspaceSize:4000", "could not plan Forward", "deterministic", "CUDNN_STATUS_INTERNAL_ERROR")]
    [TestCase("FAKE_FAIL=cudnnGetConvolutionBackwardFilterWorkspaceSize:2000", "could not plan BackwardWeights", "CUDNN_STATUS_BAD_PARAM")]
    [TestCase("FAKE_FAIL=cudnnConvolutionForward:5000", "could not compute Forward", "as FAKE_FAIL asked", "CUDNN_STATUS_EXECUTION_FAILED")]
    [TestCase("FAKE_FAIL=cudnnConvolutionBackwardData:5000", "could not compute BackwardData", "CUDNN_STATUS_EXECUTION_FAILED")]
    [TestCase("FAKE_CUDNN_WORKSPACE=90000000000", "cannot allocate 90,000,000", "cuda:0", "CUDA_ERROR_OUT_OF_MEMORY")]
    public void What_goes_wrong_is_one_clear_sentence(string setting, params string[] words) => Fails(Verify("", setting), words);

    [Test]
    public void A_missing_function_is_named()
    {
        string cublas = Fake.Compile("fake_libcublas.c", "libcublas-without.so", "-DWITHOUT_MATH_MODE");
        string cudnn = Fake.Compile("fake_libcudnn.c", "libcudnn-without.so", "-DWITHOUT_BACKWARD_FILTER");
        Fails(Verify("linear", $"CUDATTR_CUBLAS={cublas}"), "cublasSetMathMode", cublas, "CUDATTR_CUBLAS");
        Fails(Verify("linear", $"CUDATTR_CUDNN={cudnn}"), "cudnnConvolutionBackwardFilter", cudnn, "CUDATTR_CUDNN");
    }

    /// <summary>Names that ManagedCuda asks the loader for: <c>libcublas.so</c> and cuDNN 7.</summary>
    [TestCase("fake_libcublas.c", "libcublas.so", "cuBLAS", "CUDATTR_CUBLAS")]
    [TestCase("fake_libcudnn.c", "libcudnn.so.7", "cuDNN", "CUDATTR_CUDNN")]
    public void Another_library_on_the_loaders_path_is_never_taken_in_silence(string source, string file, string name, string variable)
    {
        using var other = new FakeGpu();
        string path = $"LD_LIBRARY_PATH={Path.GetDirectoryName(other.Compile(source, file))}:{Fake.DriverAndLibraries()["LD_LIBRARY_PATH"]}";
        var result = Verify("conv2d", path);
#if MANAGEDCUDA
        Fails(result, $"takes the {name} that the loader finds as {file}", Fake.DriverAndLibraries()[variable], variable, "LD_LIBRARY_PATH");
#else
        Assert.That(result.ExitCode, Is.Zero, result.Error);
#endif
    }

    [Test]
    public void The_library_at_hand_may_have_other_names()
    {
        using var links = new TestFolder();
        var gpu = Fake.DriverAndLibraries();
        File.CreateSymbolicLink(links["libcublas.so"], gpu["CUDATTR_CUBLAS"]);
        File.CreateSymbolicLink(links["libcudnn.so.7"], gpu["CUDATTR_CUDNN"]);
        var result = Verify("conv2d", $"LD_LIBRARY_PATH={links.Root}:{gpu["LD_LIBRARY_PATH"]}");
        Assert.That(result.ExitCode, Is.Zero, result.Error);
    }

    [Test]
    public void It_runs_on_a_gpu_only()
    {
        string error = Cudattr.Fail("bench", "--op", "linear", "--device", "cpu", "--math", Engine);
        Assert.That(error, Does.Contain("cuda:N only").And.Contain("not on cpu"));
    }

    [Test]
    public void It_is_never_chosen_by_auto()
    {
        var gpu = Fake.DriverAndLibraries();
        gpu["FAKE_FAIL"] = "cublasCreate_v2:1";
        var result = Cudattr.Run(gpu, "verify", "--device", "cuda:0", "--math", "auto", "--op", "linear", "--json");
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        Assert.That(result.Output, Does.Contain("same bits as cpu"));
    }

    [Test]
    public void Pictures_and_training_steps_are_computed_and_the_manifest_names_the_engine()
    {
        using var work = new TestFolder();
        var gpu = Fake.DriverAndLibraries();
        // Another library may change which context is current at any time.
        gpu["FAKE_CUDA_DROP_CONTEXT"] = "1";
        string[] train = ["finetune", "--base", Path.Combine(Models, "g0"), "--data", "emoji:openmoji@0+16#3", "--steps", "1", "--batch", "2"];
        foreach (var (name, arguments) in new[] { ("picture", Sample), ("model", train) })
        {
            var result = Cudattr.Run(gpu, [.. arguments, "--device", "cuda:0", "--math", Engine, "--out", work[name]]);
            Assert.That(result.ExitCode, Is.Zero, result.Error);
            Assert.That(File.ReadAllText(work[$"{name}/manifest.json"]), Does.Contain(Libraries));
        }
    }

    [Test]
    public void A_failed_launch_leaves_nothing_behind()
    {
        using var work = new TestFolder();
        var gpu = Fake.DriverAndLibraries();
        gpu["FAKE_CUDA_DROP_CONTEXT"] = "1";
        gpu["FAKE_CUDA_LAUNCH"] = "701";
        Fails(Cudattr.Run(gpu, [.. Sample, "--device", "cuda:0", "--math", Engine, "--out", work["nothing"]]), "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES");
    }

    [Test]
    public void The_manifest_names_what_the_kernels_computed()
    {
        using var work = new TestFolder();
        var gpu = Fake.DriverAndLibraries();
        gpu["FAKE_CUDNN_REFUSE_LATE"] = "0";
        var result = Cudattr.Run(gpu, [.. Sample, "--device", "cuda:0", "--math", Engine, "--out", work["picture"]]);
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        var device = JsonDocument.Parse(File.ReadAllText(work["picture/manifest.json"])).RootElement.GetProperty("device");
        string[] standIns = [.. device.GetProperty("kernel_stand_ins").EnumerateArray().Select(s => s.GetString()!)];
        Assert.That(standIns, Is.Not.Empty.And.Unique);
        Assert.That(standIns, Has.All.StartsWith("Forward ["));
    }

    private static string[] StandIns(CudattrResult result) =>
        [.. result.Json.GetProperty("stand_ins").EnumerateArray().Select(s => s.GetString()!)];

    private static CudattrResult Verify(string op, params string[] settings)
    {
        var gpu = Fake.DriverAndLibraries();
        foreach (string setting in settings)
        {
            string[] parts = setting.Split('=', 2);
            gpu[parts[0]] = parts[1];
        }
        return Cudattr.Run(gpu, "verify", "--device", "cuda:0", "--math", Engine, "--op", op, "--json");
    }

    private static void Fails(CudattrResult result, params string[] words)
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.ExitCode, Is.EqualTo(1), result.Error);
            foreach (string word in words) Assert.That(result.Error, Does.Contain(word));
            Assert.That(result.Error, Does.Not.Contain("   at CudaAttribution").And.Not.Contain("not destroyed"));
        }
    }
}
