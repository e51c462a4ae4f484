using CudaAttribution.Answers;
using CudaAttribution.Images;
using CudaAttribution.Runs;

namespace CudaAttribution.Remote;

/// <summary>How one call ended.</summary>
internal enum CallOutcome
{
    /// <summary>With a picture.</summary>
    Picture,

    /// <summary>The service will not draw this prompt.</summary>
    Refused,

    /// <summary>With a sound picture that shows nothing: asked again, the service would be charged for another one.</summary>
    Blank,

    /// <summary>With a complete answer whose picture is damaged or missing: another call may give a sound one.</summary>
    Unusable,

    /// <summary>Without an answer to the prompt: too many requests, a failure of the service or of the connection.</summary>
    Trouble,

    /// <summary>In a way that no repetition mends.</summary>
    Stop,
}

/// <summary>The end of one call.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Reply">The last answer, which held the picture; null where none came.</param>
internal sealed record CallResult(CallOutcome Outcome, HttpReply? Reply)
{
    /// <summary>HTTP status; null where there was no answer.</summary>
    public int? Status => Reply?.Status;

    /// <summary>Why there is no picture, free of secrets.</summary>
    public string Reason { get; init; } = "";

    /// <summary>What to do about it, where the run stops.</summary>
    public string Remedy { get; init; } = "";

    public RgbImage? Image { get; init; }

    /// <summary>What the service says of itself.</summary>
    public ServiceInfo? Service { get; init; }

    /// <summary>What it says that it did otherwise than asked.</summary>
    public IReadOnlyList<string> Ignored { get; init; } = [];

    /// <summary>Whether it is taken to cost money: services do not charge for these failures of theirs.</summary>
    public bool Billed => Status is not (401 or 403 or 429 or >= 500);
}

/// <summary>One query as a protocol needs it.</summary>
/// <param name="Values">For the placeholders.</param>
/// <param name="Noise">Its noise.</param>
internal sealed record HttpQuery(TemplateValues Values, NoiseId Noise);

/// <summary>How prompts become pictures at a service.</summary>
internal interface IPictureProtocol
{
    /// <summary>Asks once.</summary>
    /// <param name="query">The query.</param>
    /// <param name="callId">Names the request: the same when it is repeated because no answer arrived, a new one after an unusable answer.</param>
    /// <param name="perhapsSent">Whether this request may have reached the service before.</param>
    /// <param name="cancel">Cancels.</param>
    /// <exception cref="HttpTroubleException">No complete answer.</exception>
    /// <exception cref="UserException">The service is not what the description says.</exception>
    CallResult Ask(HttpQuery query, Guid callId, bool perhapsSent, CancellationToken cancel);
}
