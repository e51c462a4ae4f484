using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using CudaAttribution.Runs;
using CudaAttribution.Tensors.Weights;
using Org.BouncyCastle.Math;
using Org.BouncyCastle.Pkix;
using Org.BouncyCastle.Tsp;
using Org.BouncyCastle.Utilities.Collections;
using Org.BouncyCastle.X509;
using Org.BouncyCastle.X509.Store;

namespace CudaAttribution.Chain;

/// <summary>
/// A time-stamping service's word that a commitment existed at a time (RFC 3161). What is stamped is SHA-256 of the commitment's 32 bytes.
/// </summary>
/// <param name="Time">When, by the service's clock.</param>
/// <param name="Serial">Number of the stamp at the service, decimal.</param>
/// <param name="Signer">Subject of the certificate that signed it.</param>
/// <param name="Trusted">
/// Whether that certificate is one of those the caller trusts, or was issued under one. False where the caller names none: such a stamp is signed by
/// whoever made it, and proves a time to nobody.
/// </param>
public sealed record TimeStamp(DateTimeOffset Time, string Serial, string Signer, bool Trusted)
{
    public const string RequestFile = "commit.tsq";

    private const int Granted = 0, GrantedWithChanges = 1, LargestReply = 64 * 1024;

    /// <summary>The request, DER. The same commitment gives the same bytes: the nonce follows from the salt, which no service knows.</summary>
    public static byte[] Request(Commitment commitment) => MakeRequest(commitment).GetEncoded();

    /// <summary>Checks a reply: granted, for this commitment and request, signed by the certificate inside, which is for time stamping.</summary>
    /// <param name="commitment">What was stamped.</param>
    /// <param name="reply">The reply, DER.</param>
    /// <param name="trusted">A file of certificates that the caller trusts, PEM, one or more; null for none.</param>
    /// <exception cref="StampException">It is no such reply, or its signer is none of those that are trusted.</exception>
    /// <exception cref="UserException">The file of certificates cannot be read.</exception>
    public static TimeStamp Check(Commitment commitment, byte[] reply, string? trusted)
    {
        var certificates = trusted is null ? null : ReadCertificates(trusted);
        if (reply.Length > LargestReply) throw new StampException($"the reply has more than {LargestReply} bytes");
        try
        {
            return CheckReply(commitment, new TimeStampResponse(reply), certificates);
        }
        // The bytes come from outside, and the parser answers wrong ones with many kinds of exceptions.
        catch (Exception e) when (e is not (StampException or OutOfMemoryException))
        {
            throw new StampException($"the reply does not check ({PrintableText.Of(e.Message.TrimEnd('.'))})", e);
        }
    }

    /// <inheritdoc cref="Check"/>
    /// <param name="replyFile">The reply, a file.</param>
    public static TimeStamp CheckFile(Commitment commitment, string replyFile, string? trusted)
    {
        try
        {
            using var file = File.OpenRead(replyFile);
            byte[] reply = new byte[Math.Min(file.Length, LargestReply + 1)];
            file.ReadExactly(reply);
            return Check(commitment, reply, trusted);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserException($"cannot read this reply ({e.Message.TrimEnd('.')})", "Check the path and its permissions.", replyFile, e);
        }
    }

    private static TimeStamp CheckReply(Commitment commitment, TimeStampResponse reply, IReadOnlySet<X509Certificate>? trusted)
    {
        if (reply.Status is not (Granted or GrantedWithChanges))
        {
            string reason = (reply.GetStatusString() ?? "no reason given").TrimEnd('.');
            throw new StampException($"the service refused it (status {reply.Status}): {PrintableText.Of(reason)}");
        }
        reply.Validate(MakeRequest(commitment));
        var token = reply.TimeStampToken;
        var certificates = token.GetCertificates();
        var signer = certificates.EnumerateMatches(token.SignerID).FirstOrDefault()
            ?? throw new StampException("the reply is without its signer's certificate");
        token.Validate(signer);
        var time = new DateTimeOffset(token.TimeStampInfo.GenTime, TimeSpan.Zero);
        if (trusted is not null && !trusted.Contains(signer)) CheckPath(signer, certificates, trusted, time.UtcDateTime);
        return new TimeStamp(time, token.TimeStampInfo.SerialNumber.ToString(), Name(signer), trusted is not null);
    }

    /// <summary>
    /// RFC 5280: certificates from one that is trusted to the signer's, at the time of the stamp. Nobody is asked whether one was revoked.
    /// </summary>
    private static void CheckPath(X509Certificate signer, IStore<X509Certificate> certificates, IReadOnlySet<X509Certificate> trusted, DateTime time)
    {
        var parameters = new PkixBuilderParameters(
            new HashSet<TrustAnchor>(trusted.Select(c => new TrustAnchor(c, null))), new X509CertStoreSelector { Certificate = signer })
        {
            Date = time,
            IsRevocationEnabled = false,
        };
        parameters.AddStoreCert(certificates);
        try
        {
            new PkixCertPathBuilder().Build(parameters);
        }
        catch (PkixCertPathBuilderException e)
        {
            throw new StampException($"the signer, {Name(signer)}, is none of those that are trusted, nor certified by one", e);
        }
    }

    private static string Name(X509Certificate certificate) => PrintableText.Of(certificate.SubjectDN.ToString());

    private static HashSet<X509Certificate> ReadCertificates(string file)
    {
        byte[] pem = Encoding.UTF8.GetBytes(Json.ReadText(file, "file of certificates"));
        try
        {
            if (new X509CertificateParser().ReadCertificates(pem) is { Count: > 0 } certificates) return [.. certificates];
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw None(e);
        }
        throw None();

        UserException None(Exception? inner = null) =>
            new("there is no certificate here", "Name a file with '-----BEGIN CERTIFICATE-----', one or more.", file, inner);
    }

    private static TimeStampRequest MakeRequest(Commitment commitment)
    {
        byte[] commit = Convert.FromHexString(commitment.Commit);
        long nonce = BinaryPrimitives.ReadInt64BigEndian(SHA256.HashData(Encoding.ASCII.GetBytes("nonce" + commitment.Salt))) & long.MaxValue;
        var generator = new TimeStampRequestGenerator();
        generator.SetCertReq(true);
        return generator.Generate(TspAlgorithms.Sha256, SHA256.HashData(commit), BigInteger.ValueOf(nonce));
    }
}

/// <summary>A time stamp does not check.</summary>
/// <param name="problem">What is wrong, as a sentence without its full stop.</param>
/// <param name="inner">The failure underneath.</param>
public sealed class StampException(string problem, Exception? inner = null) : UserException(
    problem, $"Send the request ({TimeStamp.RequestFile}) of this folder again, and name the certificate of the service that answers.", null, inner);
