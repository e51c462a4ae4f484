using System.Security.Cryptography;
using System.Text;
using CudaAttribution.Cli.Options;

namespace CudaAttribution.Cli.Serving;

/// <summary>The token that a caller must show.</summary>
internal sealed class BearerToken
{
    private const string Scheme = "Bearer ";
    private const int LeastRemoteLength = 16;

    private readonly byte[] _hash;

    private BearerToken(string token) => _hash = Hash(token);

    /// <summary>Reads it from the environment.</summary>
    /// <param name="variable">Name of the variable.</param>
    /// <param name="remote">Whether other machines can reach the server; the token must be long then.</param>
    /// <exception cref="UsageException">The variable is not set, or its value is no good as a token.</exception>
    public static BearerToken FromEnvironment(string variable, bool remote)
    {
        string token = Environment.GetEnvironmentVariable(variable) ?? "";
        if (token.Length == 0)
            throw new UsageException($"the environment variable {variable} is not set: set it to the token that callers must show");
        if (token.Any(c => c is <= ' ' or > '~'))
            throw new UsageException($"the token in {variable} has a space, a line break or another character that a header cannot carry");
        if (remote && token.Length < LeastRemoteLength)
        {
            throw new UsageException(
                $"the token in {variable} has {token.Length} characters: other machines can try it, use at least {LeastRemoteLength}");
        }
        return new BearerToken(token);
    }

    /// <summary>Whether an Authorization header shows the token. The time it takes tells nothing about the token, not even its length.</summary>
    public bool Accepts(string? authorization) =>
        authorization is not null
        && authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
        && CryptographicOperations.FixedTimeEquals(Hash(authorization[Scheme.Length..].Trim()), _hash);

    private static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}
