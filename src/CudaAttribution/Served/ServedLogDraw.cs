using CudaAttribution.Answers;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;

namespace CudaAttribution.Served;

/// <summary>Somebody whom a source serves.</summary>
/// <param name="Name">The account.</param>
/// <param name="Pictures">How many pictures it asks for.</param>
public sealed record ServedAccount(string Name, int Pictures);

/// <summary>Has a source serve accounts, for experiments: the log is one that a server could have written, and the same for the same seed.</summary>
public static class ServedLogDraw
{
    /// <summary>Each account asks prompts in an order of its own, by chance, all of them before one comes again; every picture has a seed of its own.</summary>
    /// <param name="folder">Gets the log, in lines of JSON.</param>
    /// <param name="source">The source, sampled as it serves.</param>
    /// <param name="accounts">Who asks.</param>
    /// <param name="prompts">What is asked.</param>
    /// <param name="seed">Seed of all draws.</param>
    /// <param name="store">Keeps the pictures.</param>
    /// <param name="progress">Pictures drawn, of all.</param>
    /// <param name="cancel">Stops between portions; what was drawn is kept.</param>
    /// <exception cref="UserException">Nobody asks, nothing is asked, an account is there twice, or the source gives no picture.</exception>
    public static void Draw(
        RunFolder folder, IImageModel source, IReadOnlyList<ServedAccount> accounts, IReadOnlyList<string> prompts, ulong seed, AnswerStore store,
        Action<int, int>? progress = null, CancellationToken cancel = default)
    {
        Check(accounts);
        if (prompts.Count == 0) throw new UserException("there are no prompts to ask", "Give some.");
        (string Account, string Prompt, ulong Seed)[] asked =
            [.. accounts.SelectMany(a => PromptsOf(a, prompts, seed).Select(prompt => (a.Name, prompt))).Zip(Seeds(seed), (a, s) => (a.Name, a.prompt, s))];
        var answer = store.Ask(
            source, [.. asked.Select(a => new NoiseStream(NoisePurpose.Served, a.Seed, source.Identity).Ask(a.Prompt, 0))], progress, cancel);
        var entries = asked.Select((a, i) => Keep(folder, a.Prompt, a.Account, a.Seed, answer(i))).ToArray();
        // A run that was killed here wrote it already.
        File.Delete(folder.Path(ServedLog.LinesFile));
        new JsonLines<ServedEntry>(folder, ServedLog.LinesFile, "served log").Append(entries);
    }

    /// <exception cref="UserException">There is nobody to serve, or an account is there twice.</exception>
    public static void Check(IReadOnlyList<ServedAccount> accounts)
    {
        if (accounts.Count == 0 || accounts.Any(a => a.Pictures < 1 || a.Name.Length == 0))
            throw new UserException("an account asks for no picture, has no name, or there is none", "Name accounts, and the pictures of each.");
        if (accounts.GroupBy(a => a.Name).FirstOrDefault(g => g.Count() > 1) is { } same)
            throw new UserException($"{same.Count()} accounts are called '{same.Key}'", "Give each its own name.");
    }

    private static IEnumerable<string> PromptsOf(ServedAccount account, IReadOnlyList<string> prompts, ulong seed)
    {
        string[] order = [.. prompts.Distinct()];
        new PhiloxSequence(seed, Philox.Stream($"served.prompts/{account.Name}")).Shuffle(order.AsSpan());
        return Enumerable.Range(0, account.Pictures).Select(i => order[i % order.Length]);
    }

    /// <summary>Seeds by chance, no two alike, below 2⁵³ as those of a server.</summary>
    private static IEnumerable<ulong> Seeds(ulong seed)
    {
        var (coin, drawn) = (new PhiloxSequence(seed, Philox.Stream("served.seeds")), new HashSet<ulong>());
        while (true)
        {
            ulong next = (((ulong)coin.NextWord() << 32) | coin.NextWord()) >> 11;
            if (drawn.Add(next)) yield return next;
        }
    }

    private static ServedEntry Keep(RunFolder folder, string prompt, string account, ulong seed, Answer answer)
    {
        var picture = answer.Image
            ?? throw new UserException($"the source gave no picture for '{prompt}' ({answer.Failure})", "Give a source that answers these prompts.");
        string hash = ImageHash.Of(picture), file = ServedEntry.FileOf(hash);
        folder.WriteImage(file, picture);
        return new(prompt, file, hash, account, Time: null, seed, SetByCaller: null);
    }
}
