using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Backup.AppHost;

/// <summary>
/// A certificate authority of the cluster's own, kept with its data, and one certificate for the processes on this machine. At a
/// start a certificate that is near its end is made anew; processes that run take it up by themselves.
/// </summary>
internal sealed record PrivateAuthority(string AuthorityFile, string CertificateFile, string KeyFile)
{
    /// <summary>As long as browsers take one, less a few days.</summary>
    private static readonly TimeSpan CertificateTime = TimeSpan.FromDays(390);
    private static readonly TimeSpan AuthorityTime = TimeSpan.FromDays(3650);
    private static readonly TimeSpan RenewBefore = TimeSpan.FromDays(60);

    /// <param name="directory">The cluster's data directory, which this process holds.</param>
    public static PrivateAuthority ReadOrMake(string directory)
    {
        var folder = Directory.CreateDirectory(Path.Combine(directory, "tls")).FullName;
        var made = new PrivateAuthority(Path.Combine(folder, "authority.pem"), Path.Combine(folder, "server.pem"), Path.Combine(folder, "server.key"));
        var authorityKey = Path.Combine(folder, "authority.key");
        try
        {
            var now = TimeProvider.System.GetUtcNow();
            if (!File.Exists(made.AuthorityFile) || !File.Exists(authorityKey))
                MakeAuthority(made.AuthorityFile, authorityKey, now);
            if (!File.Exists(made.CertificateFile) || !File.Exists(made.KeyFile) || IsNearItsEnd(made.CertificateFile, now))
                made.MakeCertificate(authorityKey, now);
            return made;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new BadSettingException($"The certificates in {folder} cannot be read or made: {failure.Message}");
        }
    }

    /// <summary>Whether a server's certificate is one of this authority's (or one that the system trusts), as <see cref="RemoteCertificateValidationCallback"/>.</summary>
    public bool IsVouchedFor(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (errors == SslPolicyErrors.None)
            return true;
        if (certificate is null || errors != SslPolicyErrors.RemoteCertificateChainErrors)
            return false;
        using var anchored = new X509Chain();
        anchored.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        anchored.ChainPolicy.CustomTrustStore.ImportFromPemFile(AuthorityFile);
        anchored.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return anchored.Build((X509Certificate2)certificate);
    }

    private static void MakeAuthority(string certificateFile, string keyFile, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Backup cluster authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        using var certificate = request.CreateSelfSigned(now.AddHours(-1), now + AuthorityTime);
        PrivateFile.Write(keyFile, key.ExportPkcs8PrivateKeyPem());
        PrivateFile.Write(certificateFile, certificate.ExportCertificatePem());
    }

    private void MakeCertificate(string authorityKey, DateTimeOffset now)
    {
        using var authority = X509Certificate2.CreateFromPemFile(AuthorityFile, authorityKey);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        names.AddIpAddress(IPAddress.IPv6Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        using var certificate = request.Create(authority, now.AddHours(-1), now + CertificateTime, RandomNumberGenerator.GetBytes(16));
        PrivateFile.Write(KeyFile, key.ExportPkcs8PrivateKeyPem());
        PrivateFile.Write(CertificateFile, certificate.ExportCertificatePem());
    }

    private static bool IsNearItsEnd(string file, DateTimeOffset now)
    {
        using var certificate = X509CertificateLoader.LoadCertificateFromFile(file);
        return certificate.NotAfter.ToUniversalTime() - RenewBefore < now.UtcDateTime;
    }
}
