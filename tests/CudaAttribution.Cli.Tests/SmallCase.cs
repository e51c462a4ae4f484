namespace CudaAttribution.Cli.Tests;

/// <summary>Keys, null table and a suspect made of the shipped models with very few and rough pictures, once for all tests.</summary>
internal static class SmallCase
{
    /// <summary>Steps and seed that everything here was made with.</summary>
    public static readonly string[] Sampling = ["--sample-steps", "4", "--seed", "9", "--device", "cpu"];

    /// <summary>A step on a few pictures each: enough to be models of their own.</summary>
    private const string Innocents =
        """
        {
          "schema": "cudattr-innocent-plan-1", "training": { "steps": 1, "batch_size": 2, "learning_rate": 0.01, "weight_type": "f16" },
          "models": [
            { "name": "shapes", "family": "real-other", "split": "SEL", "data": { "set": "emoji:openmoji", "start": 0, "count": 4 }, "seed": 1 },
            { "name": "calibrates", "family": "real-same", "split": "CAL", "data": { "set": "emoji:twitter", "start": 9, "count": 4 }, "seed": 2 },
            { "name": "other", "family": "real-other", "split": "NULL", "data": { "set": "emoji:openmoji", "start": 8, "count": 4 }, "seed": 3 },
            { "name": "own", "family": "real-own", "split": "NULL", "data": { "set": "emoji:twitter", "shuffle": 7, "count": 4 }, "seed": 4 }
          ]
        }
        """;

    private static readonly Lazy<string> Folder = new(Make);

    public static string Models => Path.Combine(AppContext.BaseDirectory, "models");

    public static string Keys => Path.Combine(Folder.Value, "selected/keys");

    public static string Null => Path.Combine(Folder.Value, "scored/null.json");

    /// <summary>Four steps on other pictures.</summary>
    public static string Suspect => Path.Combine(Folder.Value, "suspect");

    private static string Make()
    {
        string folder = Path.Combine(TestFolder.Shared, "small"), innocents = Path.Combine(folder, "innocents"), plan = Path.Combine(folder, "plan.json");
        Directory.CreateDirectory(folder);
        File.WriteAllText(plan, Innocents);
        Cudattr.Succeed("innocents", "build", "--base", Path.Combine(Models, "g0"), "--plan", plan, "--device", "cpu", "--out", innocents);
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
