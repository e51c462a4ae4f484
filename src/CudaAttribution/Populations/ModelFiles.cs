using CudaAttribution.Answers;

namespace CudaAttribution.Populations;

/// <summary>Names of the files in a folder that a model is built in, whatever its role.</summary>
public static class ModelFiles
{
    /// <summary>What was asked for; written first.</summary>
    public const string Plan = "plan.json";

    /// <summary>The training pictures with their captions.</summary>
    public const string Training = "training";

    public const string Model = LocalModel.FolderName;

    public const string Losses = "losses.csv";

    /// <summary>
    /// What was built; written last, so that it marks a finished model. Folders of innocents were called so before roles were written down, and one
    /// name finds the record of all.
    /// </summary>
    public const string Record = "suspect.json";
}
