using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CudaAttribution.Chain;
using CudaAttribution.Runs;

namespace CudaAttribution.Served;

/// <summary>
/// What is committed to of a log: how many pictures, and the root of a Merkle tree over them. What is logged later does not change it.
/// </summary>
/// <param name="Schema">Version of the file.</param>
/// <param name="Pictures">How many, from the first.</param>
/// <param name="MerkleRoot">Root over <see cref="Entry(ServedPicture)"/> of each.</param>
public sealed record ServedLogCommitment(string Schema, int Pictures, string MerkleRoot)
{
    public const string FileName = "served-root.json", CurrentSchema = "cudattr-served-root-1";

    private const string Kind = "root of a served log";

    /// <summary>
    /// What stands for a picture in the tree: canonical JSON of account, pixel_sha256, prompt, seed, set_by_caller and time, null where not known.
    /// </summary>
    public static byte[] Entry(ServedPicture picture) => Encoding.UTF8.GetBytes(CanonicalJson.Write(new JsonObject
    {
        [ServedLog.Prompt] = picture.Prompt,
        [ServedLog.PixelHash] = picture.PixelHash,
        [ServedLog.Account] = picture.Account,
        [ServedLog.Time] = picture.Time,
        [ServedLog.Seed] = picture.Seed,
        [ServedLog.SetByCaller] = picture.SetByCaller,
    }));

    /// <summary>The entry of a trial's served picture, of which the caller set nothing.</summary>
    public static byte[] Entry(Trial trial) => Entry(new ServedPicture(
        trial.Logged.Number, trial.Prompt, "", trial.Pictures[trial.Served], trial.Account, trial.Logged.Time, trial.Logged.Seed, SetByCaller: null));

    public static MerkleTree Tree(IEnumerable<ServedPicture> pictures) => new(pictures.Select(Entry));

    public static ServedLogCommitment To(IReadOnlyList<ServedPicture> pictures) => new(CurrentSchema, pictures.Count, Tree(pictures).Root);

    /// <summary>Writes it with a commitment to it, where there is none yet.</summary>
    /// <exception cref="UserException">The folder has a commitment.</exception>
    public Commitment Write(RunFolder folder)
    {
        if (folder.Has(Commitment.FileName))
            throw new UserException(
                "there is a commitment already, which may have been stamped", "Name another folder for this one.", folder.Path(Commitment.FileName));
        var commitment = Commitment.To(JsonSerializer.SerializeToNode(this, Json.Options)!);
        folder.WriteJson(FileName, this);
        commitment.Write(folder);
        return commitment;
    }

    /// <exception cref="UserException">A commitment is in the log's folder, and the log is not what was committed to.</exception>
    internal static void Check(ServedLog log)
    {
        if (!File.Exists(Path.Combine(log.Folder, Commitment.FileName))) return;
        string file = Path.Combine(log.Folder, FileName);
        var root = Json.Read<ServedLogCommitment>(file, Kind);
        Json.CheckSchema(root.Schema, CurrentSchema, file);
        Commitment.Read(log.Folder).Check(Json.Read<JsonNode>(file, Kind), file);
        if (root.Pictures > log.Pictures.Count || Tree(log.Pictures.Take(root.Pictures)).Root != root.MerkleRoot)
            throw new UserException(
                $"the log is not what was committed to ({root.Pictures} pictures, {root.MerkleRoot})", "Restore the log as it was.", log.Folder);
    }
}
