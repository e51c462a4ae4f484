using System.CommandLine;
using System.CommandLine.Parsing;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Driver.Host;

namespace CudaAttribution.Cli.Options;

/// <summary>Options that mean the same in every command that has them.</summary>
internal static class CommonOptions
{
    public static Option<string> Device() => new("--device")
    {
        Description = "Where to compute: auto (a GPU where there is one, else cpu), cpu, simt (the kernels with real thread blocks, for audits) "
            + "or cuda:N.",
        DefaultValueFactory = _ => "auto",
        HelpName = "id",
    };

    public static Option<string> Math() => new("--math")
    {
        Description = "Engine of matrix products and convolutions: kernels (ours, the same bits everywhere), onednn (cpu only; faster, other bits), "
            + "cublas-cudnn (cuda:N only, NVIDIA's libraries where installed; other bits), bf16 (cuda:N, and simt which emulates it: tensor cores, "
            + "operands rounded to BF16, sums, weights, gradients and optimiser state F32; attention stays F32) or auto, which is always kernels.",
        DefaultValueFactory = _ => "auto",
        HelpName = "engine",
    };

    public static Option<int?> Threads()
    {
        var option = new Option<int?>("--threads")
        {
            Description = "Threads of cpu or simt, and of onednn with it; they change the speed and, but for onednn, no bit of a result. "
                + "Default: CUDATTR_THREADS, or one for each processor that this process may use.",
            HelpName = "n",
        };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out int n) && n is < 1 or > HostDriver.MaxThreads)
                result.AddError($"--threads {n} is no number of threads: use 1 to {HostDriver.MaxThreads}");
        });
        return option;
    }

    public static Option<int?> Tile() => new("--tile")
    {
        Description = "Models with an autoencoder: run it in tiles of so many pixels a side, a multiple of its factor (8), for little memory. "
            + "Pictures change, the more the smaller the tiles; 320 makes four of a picture of 512. Default: the whole picture at once.",
        HelpName = "pixels",
    };

    public static Option<ulong> Seed() => new("--seed")
    {
        Description = "Seed of everything random. The same seed gives the same result, bit for bit.",
        DefaultValueFactory = _ => 1UL,
        HelpName = "n",
    };

    public static Option<bool> Json() => new("--json")
    {
        Description = "Print the result as JSON on standard output.",
    };

    public static Option<FileInfo> Ledger() => new("--ledger")
    {
        Description = "SQLite file that keeps a row of every finished run (also CUDATTR_LEDGER).",
        DefaultValueFactory = _ => new FileInfo(DefaultLedger),
        HelpName = "file",
    };

    /// <summary>The types that weights are stored as.</summary>
    public static Option<T> WeightType<T>(string description, Func<ArgumentResult, T>? byDefault = null)
    {
        var option = new Option<T>("--dtype") { Description = description, DefaultValueFactory = byDefault, HelpName = "type" };
        return option.AcceptOnlyFromAmong(StringComparer.OrdinalIgnoreCase, "F32", "F16", "BF16");
    }

    public static Option<FileSystemInfo?> Descriptor() => new("--descriptor")
    {
        Description = "Descriptor of the metrics sscd, embed and mix: a folder of 'descriptor train', or a published file (.torchvision.pt, .torchscript.pt). "
            + "Results name it, and only the same one goes on with them.",
        HelpName = "folder|file",
    };

    public static Option<string> Data(string name = "--data", string what = "Captioned pictures") => new(name)
    {
        Description = $"{what}: a folder or file in one of the layouts of docs/datasets.md (captions.tsv, Hugging Face's image folder and Parquet, "
            + "CelebA-Dialog-HQ, Conceptual Captions, kohya, img2dataset, webdataset; \"cudattr data inspect SET\" says which it is), "
            + "or emoji:google, emoji:twitter, emoji:openmoji, emoji:fluent-emoji (built in). "
            + "A stretch of it: SET[@start+count][#shuffle-seed], for example emoji:twitter@0+200#7.",
        HelpName = "set",
    };

    public static Option<int> Accumulate() => new("--accumulate")
    {
        Description = "Micro-batches that the pictures of a step are computed in; divides --batch. The same gradient in less memory.",
        DefaultValueFactory = _ => 1,
        HelpName = "n",
    };

    public static Option<bool> CheckpointActivations() => new("--checkpoint-activations")
    {
        Description = "Compute the networks' blocks once more in backward instead of keeping their activations: the same bits in less memory.",
    };

    public static Option<BadImagePolicy> OnBadImage() => new("--on-bad-image")
    {
        Description = "What a truncated, oversized or other unreadable picture does: fail stops before anything is computed, "
            + "skip leaves it out and names it.",
        DefaultValueFactory = _ => BadImagePolicy.Fail,
        HelpName = "fail|skip",
    };

    private static string DefaultLedger => Environment.GetEnvironmentVariable("CUDATTR_LEDGER") is { Length: > 0 } file
        ? file
        : Path.Combine(
            Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify),
            "cudattr",
            "runs.db");

    public static Option<DirectoryInfo> Out(bool required = true) => new("--out")
    {
        Description = "Folder to write. A run that was cut off is taken up again from what is there.",
        Required = required,
        HelpName = "folder",
    };
}
