using System.Security.Cryptography;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;
using CudaAttribution.Served;
using Microsoft.AspNetCore.Http;

namespace CudaAttribution.Cli.Serving;

/// <summary>Draws seeds and makes the files that go out; with a log, each is in it before.</summary>
/// <param name="log">The log; null keeps nothing.</param>
/// <param name="accountHeader">The header of a request that names the account; null where none does.</param>
internal sealed class PictureKeeper(ServedLogWriter? log, string? accountHeader)
{
    private const int LongestAccount = 200;

    /// <summary>Who asks; null where that is not known.</summary>
    /// <exception cref="BadRequestException">The header comes twice, or is too long for a name.</exception>
    public string? Account(IHeaderDictionary headers)
    {
        if (accountHeader is null || !headers.TryGetValue(accountHeader, out var values)) return null;
        // A comma joins what came in several headers of one name (RFC 9110 §5.2).
        return values is [{ Length: > 0 and <= LongestAccount } account] && !account.Contains(',')
            ? account
            : throw new BadRequestException($"the header {accountHeader} must name one account, in 1 to {LongestAccount} characters without a comma");
    }

    /// <summary>Seeds by chance, for pictures in a row: the first.</summary>
    public ulong DrawSeeds(int count) => log?.DrawSeeds(count) ?? BitConverter.ToUInt32(RandomNumberGenerator.GetBytes(4));

    /// <summary>The pictures as PNG files.</summary>
    /// <param name="pictures">The pictures.</param>
    /// <param name="request">What was drawn, with the seed.</param>
    /// <param name="setByCaller">As <see cref="ServedPicture"/> has it.</param>
    /// <param name="account">Who asked.</param>
    /// <exception cref="Runs.UserException">The log cannot be written.</exception>
    public IReadOnlyList<byte[]> Keep(IReadOnlyList<RgbImage> pictures, DrawRequest request, string? setByCaller, string? account) =>
    [
        .. pictures.Select((picture, i) => log is null
            ? ImageCodecs.EncodePng(picture)
            : log.Append(request.Prompt, picture, account, request.SeedOf(i), setByCaller)),
    ];
}
