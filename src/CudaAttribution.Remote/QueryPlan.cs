using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;

namespace CudaAttribution.Remote;

/// <summary>What a query to a remote suspect is.</summary>
public enum QueryKind
{
    /// <summary>A key.</summary>
    Key,

    /// <summary>A prompt that is no key and counts in no test; it hides which prompts matter.</summary>
    Decoy,
}

/// <summary>One query of a plan.</summary>
/// <param name="Kind">Key or decoy.</param>
/// <param name="Index">Its number among those of its kind.</param>
/// <param name="Prompt">The prompt.</param>
public sealed record PlannedQuery(QueryKind Kind, int Index, string Prompt);

/// <summary>
/// Everything that will be asked, in its order: the file <c>query-plan.json</c>, written before the first query. A run is continued only where its
/// plan is the same.
/// </summary>
public sealed record QueryPlan
{
    public const string CurrentSchema = "cudattr-query-plan-1";

    public string Schema { get; init; } = CurrentSchema;

    /// <summary>Identity of the service.</summary>
    public required string Suspect { get; init; }

    /// <summary>The service without secrets: what its identity is the SHA-256 of, as canonical JSON.</summary>
    public required JsonObject Service { get; init; }

    /// <summary>The run's seed, which gives order and choice of the decoys.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Fresh random bytes, in hexadecimal: names of requests derive from them, so that no two runs share one.</summary>
    public required string Salt { get; init; }

    /// <summary>The queries, in the order in which they are asked.</summary>
    public required IReadOnlyList<PlannedQuery> Queries { get; init; }

    /// <summary>Mixes keys and decoys.</summary>
    /// <param name="service">The service.</param>
    /// <param name="prompts">Prompts of the keys.</param>
    /// <param name="pool">Captions to draw decoys from.</param>
    /// <param name="seed">The run's seed.</param>
    /// <exception cref="UserException">The pool has too few captions that are no keys.</exception>
    internal static QueryPlan Make(HttpService service, IReadOnlyList<string> prompts, IReadOnlyList<string> pool, ulong seed)
    {
        int wanted = checked(prompts.Count * service.Description.DecoysPerKey);
        string[] decoys = [.. pool.Except(prompts).Where(p => service.Syntax.Unsafe(p) is null).Order(StringComparer.Ordinal)];
        if (decoys.Length < wanted)
        {
            throw new UserException(
                $"{wanted} decoys are wanted and the set has {decoys.Length} captions that can be asked and are no key",
                "Draw them from a larger set, or lower decoys_per_key.")
            { Setting = "decoys" };
        }
        new PhiloxSequence(seed, Philox.Stream("query-plan.decoys")).Shuffle(decoys.AsSpan());
        PlannedQuery[] queries =
        [
            .. prompts.Select((p, i) => new PlannedQuery(QueryKind.Key, i, p)),
            .. decoys.Take(wanted).Select((p, i) => new PlannedQuery(QueryKind.Decoy, i, p)),
        ];
        new PhiloxSequence(seed, Philox.Stream("query-plan.order")).Shuffle(queries.AsSpan());
        return new QueryPlan
        {
            Suspect = service.Identity,
            Service = service.WithoutSecrets(),
            Seed = seed,
            Salt = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)),
            Queries = queries,
        };
    }

    /// <summary>Whether another plan asks the same in the same order.</summary>
    public bool Matches(QueryPlan other) =>
        Schema == other.Schema && Suspect == other.Suspect && Seed == other.Seed && Queries.SequenceEqual(other.Queries);

    /// <summary>Names a request; the same arguments give the same name.</summary>
    /// <param name="query">Number of the query in the plan.</param>
    /// <param name="generation">Number of unusable answers to it so far.</param>
    public Guid CallId(int query, int generation)
    {
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{Salt}/{query}/{generation}"));
        return new Guid(hash.AsSpan(0, 16));
    }
}
