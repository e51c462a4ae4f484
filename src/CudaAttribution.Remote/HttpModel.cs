using CudaAttribution.Answers;
using CudaAttribution.Images;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Manifests;
using CudaAttribution.Tensors;

namespace CudaAttribution.Remote;

/// <summary>How an <see cref="HttpModel"/> is asked, besides what its description says.</summary>
public sealed record HttpModelOptions
{
    /// <summary>Where plan, journal and pictures go; a folder that has some is continued.</summary>
    public required RunFolder Folder { get; init; }

    /// <summary>Size of the keys' pictures, which answers are brought to.</summary>
    public required int Width { get; init; }

    public required int Height { get; init; }

    /// <summary>For {steps}, {guidance}, {sampler} and {negative_prompt}.</summary>
    public SamplingRecipe Sampling { get; init; } = new();

    /// <summary>Captions that decoys are drawn from; needed where the description asks for decoys.</summary>
    public IReadOnlyList<string> DecoyPool { get; init; } = [];

    /// <summary>Queries answered, of all.</summary>
    public Action<int, int>? Progress { get; init; }

    /// <summary>How to wait; null waits in real time.</summary>
    public Action<TimeSpan, CancellationToken>? Pause { get; init; }
}

/// <summary>
/// A model behind an HTTP service. Queries go out one by one, in random order and mixed with decoys; each answer is on disk before the next query
/// goes out, and what is on disk is never asked again.
/// </summary>
public sealed class HttpModel : IImageModel, IDisposable
{
    private const string NegativePlaceholder = "negative_prompt";
    private static readonly string[] SamplingPlaceholders = ["steps", "guidance", "sampler", NegativePlaceholder];

    private readonly HttpService _service;
    private readonly HttpModelOptions _options;
    private readonly HttpChannel _channel;
    private readonly IPictureProtocol _protocol;
    private readonly Action<TimeSpan, CancellationToken> _pause;
    private QueryJournal? _journal;

    /// <exception cref="UserException">
    /// Decoys are wanted and there are none, or the other way round; or there is a negative prompt that the description does not send, or a tile.
    /// </exception>
    public HttpModel(HttpService service, HttpModelOptions options)
    {
        if (options.Sampling.NegativePrompt is not null && !service.Body.Uses(NegativePlaceholder))
            throw new UserException("the description sends no negative prompt", $"Put {{{NegativePlaceholder}}} into its body, or give none.");
        if (options.Sampling.NegativePrompt is { } negative && service.Syntax.Unsafe(negative) is { } meaning)
            throw new UserException($"the service does not take the negative prompt as text: {meaning}", "Word it otherwise.") { Setting = "negative" };
        if (options.Sampling.Tile is not null)
            throw new UserException("a service cannot be told to work in tiles", "Leave the tile out: whoever runs the model decides that.");
        bool wanted = service.Description.DecoysPerKey > 0, given = options.DecoyPool.Count > 0;
        if (wanted && !given)
            throw new UserException("the description asks for decoys", "Say whose captions they are drawn from.") { Setting = "decoys" };
        if (given && !wanted)
            throw new UserException("the description asks for no decoys", "Set decoys_per_key in it, or leave the decoys out.") { Setting = "decoys" };
        (_service, _options, _pause) = (service, options, options.Pause ?? Wait);
        _channel = new HttpChannel(service.Description.Limits, service.Secrets.Scrub);
        var reader = new ReplyReader(service);
        _protocol = service.Description.Preset == HttpPreset.ComfyUi
            ? new ComfyUiProtocol(service, _channel, reader, _pause)
            : new SingleCallProtocol(service, _channel, reader);
    }

    public string Name => _service.Name;

    public string Identity => _service.Identity;

    public SamplingRecipe? Sampling => SamplingPlaceholders.Any(_service.Body.Uses) ? _options.Sampling : null;

    /// <summary>True: the journal in its folder.</summary>
    public bool KeepsAnswers => true;

    public ServiceSummary? Remote => AskedService.Of(_service, _journal);

    /// <summary>All answers of <see cref="Ask(IReadOnlyList{Query}, CancellationToken)"/>, in the order of the queries.</summary>
    /// <inheritdoc cref="Ask(IReadOnlyList{Query}, CancellationToken)" path="/exception"/>
    public IReadOnlyList<Answer> Generate(IReadOnlyList<Query> queries, CancellationToken cancel = default)
    {
        var answers = new Answer[queries.Count];
        foreach (var (query, answer) in Ask(queries, cancel)) answers[query] = answer;
        return answers;
    }

    /// <summary>
    /// Answers in the order of the plan, without the decoys: first those of the folder's journal, then what has to be asked yet. The queries of one run
    /// are given at once: they and the decoys make the plan.
    /// </summary>
    /// <exception cref="UserException">
    /// The service cannot be asked further, or the folder holds another run. Every answer so far is kept; the same call goes on from there.
    /// </exception>
    public IEnumerable<AskedAnswer> Ask(IReadOnlyList<Query> queries, CancellationToken cancel = default)
    {
        if (queries.Count == 0) yield break;
        foreach (var query in queries) RequireText(query.Prompt);
        ulong seed = queries[0].Noise.Seed;
        var plan = QueryPlan.Make(_service, [.. queries.Select(q => q.Prompt)], _options.DecoyPool, seed);
        using var journal = _journal = QueryJournal.Open(_options.Folder, plan);
        var decoys = new NoiseStream(NoisePurpose.Decoys, seed, Identity);
        var asker = new QueryAsker(_service.Description.Limits, _protocol, journal, _pause);
        QueryRecord? first = null;
        for (int n = 0; n < journal.Plan.Queries.Count; n++)
        {
            var planned = journal.Plan.Queries[n];
            var query = planned.Kind == QueryKind.Key ? queries[planned.Index] : decoys.Ask(planned.Prompt, planned.Index);
            var asked = new HttpQuery(Values(query), query.Noise);
            string request = _service.RequestHash(asked.Values, asked.Noise);
            if (n >= journal.Records.Count) AskService(n, planned, asked, request, asker, journal, cancel);
            else if (journal.Records[n].RequestSha256 != request)
                throw new UserException(
                    $"query {n} was asked with another request than the description now makes", "Restore the description, or name another folder.",
                    _options.Folder.Root);
            var record = journal.Records[n];
            if (record.Service?.SdModelHash is not null) RequireSameModel(first ??= record, record);
            _options.Progress?.Invoke(n + 1, journal.Plan.Queries.Count);
            if (planned.Kind == QueryKind.Key) yield return new(planned.Index, AnswerOf(record, journal));
        }
    }

    public void Dispose() => _channel.Dispose();

    private static void Wait(TimeSpan time, CancellationToken cancel)
    {
        cancel.WaitHandle.WaitOne(time);
        cancel.ThrowIfCancellationRequested();
    }

    private void RequireText(string prompt)
    {
        if (_service.Syntax.Unsafe(prompt) is { } meaning)
            throw new UserException(
                $"the service does not take the prompt \"{prompt}\" as text: {meaning}",
                "Choose prompts without it (of keys: select them for this service), or ask a service that takes prompts as they are.");
    }

    private void RequireSameModel(QueryRecord first, QueryRecord record)
    {
        if (record.Service!.SdModelHash != first.Service!.SdModelHash)
            throw new ServiceChangedException(
                $"the service changed its model: query {first.Number} was drawn by {first.Service.SdModelHash}, query {record.Number} by "
                    + $"{record.Service.SdModelHash} (sd_model_hash)",
                "Answers of two models are no ground for a verdict: have the model fixed and start again in another folder.",
                _options.Folder.Root);
    }

    private void AskService(
        int number, PlannedQuery planned, HttpQuery query, string request, QueryAsker asker, QueryJournal journal, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        var began = DateTimeOffset.UtcNow;
        var (result, taken) = asker.Ask(number, query, cancel);
        var record = QueryRecord.Of(number, planned, request, result, taken, began);
        journal.Add(
            record with { Resized = result.Image is { } image && (image.Width != _options.Width || image.Height != _options.Height) },
            result.Image,
            result.Reply?.Kept);
    }

    private Answer AnswerOf(QueryRecord record, QueryJournal journal)
    {
        journal.CheckResponse(record);
        return journal.ImageOf(record) is { } image
            ? Answer.Of(image.Resize(_options.Width, _options.Height), record.Receipt)
            : Answer.Failed(record.Failure!, record.Receipt);
    }

    private TemplateValues Values(Query query) => new(
        _service.Syntax.Escape(query.Prompt),
        Philox.Block((ulong)query.Noise.Index, Philox.Stream(query.Noise.Stream), query.Noise.Seed).X,
        _service.Description.Width ?? _options.Width,
        _service.Description.Height ?? _options.Height,
        _options.Sampling with { NegativePrompt = _service.Syntax.Escape(_options.Sampling.NegativePrompt ?? "") },
        _service.Description.Preset == HttpPreset.ComfyUi
            ? SamplerNames.ComfyUi(_options.Sampling.Solver)
            : SamplerNames.WebUi(_options.Sampling.Solver));
}
