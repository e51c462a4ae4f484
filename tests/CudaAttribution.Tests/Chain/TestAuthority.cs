using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Org.BouncyCastle.Asn1;
using Org.BouncyCastle.Asn1.Cmp;
using Org.BouncyCastle.Asn1.Cms;
using Org.BouncyCastle.Asn1.Ess;
using Org.BouncyCastle.Asn1.Pkcs;
using Org.BouncyCastle.Asn1.Tsp;
using Org.BouncyCastle.Cms;
using Org.BouncyCastle.Security;
using Org.BouncyCastle.Tsp;
using Org.BouncyCastle.Utilities.Collections;
using Attribute = Org.BouncyCastle.Asn1.Cms.Attribute;
using BcCertificate = Org.BouncyCastle.X509.X509Certificate;

namespace CudaAttribution.Tests.Chain;

/// <summary>A time-stamping service with a certificate of an authority of its own.</summary>
internal sealed class TestAuthority : IDisposable
{
    public static readonly DateTime Time = new(2026, 11, 28, 12, 0, 0, DateTimeKind.Utc);
    private const string TimeStamping = "1.3.6.1.5.5.7.3.8";

    private readonly ECDsa _rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256), _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _certificate;

    public TestAuthority(string name = "A", string use = TimeStamping, bool critical = true, int validFromDays = -365, int validToDays = 365)
    {
        var root = new CertificateRequest($"CN=Root {name}", _rootKey, HashAlgorithmName.SHA256);
        root.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        root.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        using var signed = root.CreateSelfSigned(Time.AddYears(-10), Time.AddYears(10));
        Root = signed.ExportCertificatePem();
        var leaf = new CertificateRequest($"CN=Stamps {name}", _key, HashAlgorithmName.SHA256);
        leaf.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        leaf.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(use)], critical));
        _certificate = leaf.Create(signed, Time.AddDays(validFromDays), Time.AddDays(validToDays), [1, 2, 3]);
    }

    /// <summary>The authority's certificate, PEM.</summary>
    public string Root { get; }

    /// <summary>The service's certificate, PEM.</summary>
    public string Own => _certificate.ExportCertificatePem();

    private byte[] Certificate => _certificate.RawData;

    /// <summary>Answers a request as RFC 3161 has it.</summary>
    /// <param name="request">The request, DER.</param>
    /// <param name="withCertificate">Whether the signer's certificate is put in.</param>
    /// <param name="by">Whose key signs; null is the service's own.</param>
    /// <param name="status">Of the reply: 0 and 1 are granted.</param>
    public byte[] Reply(byte[] request, bool withCertificate = true, TestAuthority? by = null, int status = 0)
    {
        var asked = new TimeStampRequest(request);
        var info = new TstInfo(
            new DerObjectIdentifier("1.2.3"), asked.MessageImprint, DerInteger.ValueOf(42), new Asn1GeneralizedTime(Time), null, null,
            asked.Nonce is { } nonce ? new DerInteger(nonce) : null, null, null);
        var certificate = new BcCertificate(Certificate);
        var mark = new SigningCertificateV2(new EssCertIDv2(SHA256.HashData(Certificate)));
        var marks = new AttributeTable(new Asn1EncodableVector(new Attribute(PkcsObjectIdentifiers.IdAASigningCertificateV2, new DerSet(mark))));
        var generator = new CmsSignedDataGenerator();
        generator.AddSigner(PrivateKeyFactory.CreateKey((by ?? this)._key.ExportPkcs8PrivateKey()), certificate, TspAlgorithms.Sha256, marks, null);
        if (withCertificate) generator.AddCertificates(CollectionUtilities.CreateStore([certificate]));
        var token = generator.Generate(new CmsProcessableByteArray(PkcsObjectIdentifiers.IdCTTstInfo, info.GetEncoded()), encapsulate: true);
        return new TimeStampResp(new PkiStatusInfo(status, new PkiFreeText("so it is\u001b[31m")), status is 0 or 1 ? token.ContentInfo : null).GetEncoded();
    }

    public void Dispose()
    {
        _rootKey.Dispose();
        _key.Dispose();
        _certificate.Dispose();
    }
}
