using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Backup.Tests.Redis;

/// <summary>A certificate authority for one test, and a server's certificate of it, in files.</summary>
public sealed class TestAuthority : IDisposable
{
    private readonly string folder;
    private readonly ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 own;

    /// <param name="address">Whose certificate it is, beside localhost's.</param>
    /// <param name="folder">Where the files go; they go with this object in any case.</param>
    public TestAuthority(string address = "127.0.0.1", string? folder = null)
    {
        this.folder = folder is null ? Directory.CreateTempSubdirectory("backup-tls-").FullName : Directory.CreateDirectory(folder).FullName;
        var request = new CertificateRequest("CN=authority of a test", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        var now = TimeProvider.System.GetUtcNow();
        own = request.CreateSelfSigned(now.AddHours(-1), now.AddDays(800));
        File.WriteAllText(AuthorityFile, own.ExportCertificatePem());
        File.WriteAllText(Path.Join(this.folder, "authority.key"), key.ExportPkcs8PrivateKeyPem());
        Certify(address);
    }

    public string AuthorityFile => Path.Join(folder, "authority.pem");

    public string CertificateFile => Path.Join(folder, "server.pem");

    public string KeyFile => Path.Join(folder, "server.key");

    /// <summary>Replaces the server's certificate, as a renewal does.</summary>
    /// <returns>Its serial number.</returns>
    public string Certify(string address = "127.0.0.1")
    {
        using var its = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=server", its, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Parse(address));
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        using var made = request.Create(own.SubjectName, X509SignatureGenerator.CreateForECDsa(key), own.NotBefore, own.NotAfter, RandomNumberGenerator.GetBytes(16));
        File.WriteAllText(KeyFile, its.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(CertificateFile, made.ExportCertificatePem());
        return made.SerialNumber;
    }

    public void Dispose()
    {
        own.Dispose();
        key.Dispose();
        Directory.Delete(folder, recursive: true);
    }
}
