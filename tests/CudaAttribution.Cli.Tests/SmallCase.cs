namespace CudaAttribution.Cli.Tests;

/// <summary>Keys, null table and a suspect made of the shipped models with very few and rough pictures, once for all tests.</summary>
internal static class SmallCase
{
    /// <summary>Steps and seed that everything here was made with.</summary>
    public static readonly string[] Sampling = ["--sample-steps", "4", "--seed", "9", "--device", "cpu"];

    private static readonly Lazy<string> Folder = new(Make);

    public static string Models => Path.Combine(AppContext.BaseDirectory, "models");

    public static string Keys => Path.Combine(Folder.Value, "selected/keys");

    public static string Null => Path.Combine(Folder.Value, "scored/null.json");

    /// <summary>Four steps on other pictures.</summary>
    public static string Suspect => Path.Combine(Folder.Value, "suspect");

    private static string Make()
    {
        string folder = Path.Combine(TestFolder.Shared, "small"), innocents = Path.Combine(Models, "innocents");
        Cudattr.Succeed(
        [
            "keys", "select", "--source", Path.Combine(Models, "source"), "--data", "emoji:twitter@0+160#7", "--innocents", innocents,
            "--candidates", "24", "--n", "6", "--draws", "2", "--lambda", "0", .. Sampling, "--out", Path.Combine(folder, "selected"),
        ]);
        Cudattr.Succeed(
        [
            "innocents", "score", "--keys", Path.Combine(folder, "selected/keys"), "--innocents", innocents, .. Sampling,
            "--out", Path.Combine(folder, "scored"),
        ]);
        Cudattr.Succeed(
            "finetune", "--base", Path.Combine(Models, "g0"), "--data", "emoji:openmoji@0+16#3", "--steps", "4", "--batch", "4",
            "--device", "cpu", "--out", Path.Combine(folder, "suspect"));
        return folder;
    }
}
