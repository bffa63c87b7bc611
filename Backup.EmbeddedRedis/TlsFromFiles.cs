using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Backup.Protocol;
using Garnet.server.TLS;

namespace Backup.EmbeddedRedis;

/// <summary>TLS as the other servers of the cluster speak it: a renewed certificate is in force without a restart, and who calls is not asked by it.</summary>
internal sealed class TlsFromFiles(CertificateFile<X509Certificate2> files) : IGarnetTlsOptions
{
    public SslServerAuthenticationOptions TlsServerOptions { get; } = new() { ServerCertificateSelectionCallback = (_, _) => files.Current };

    /// <summary>It connects to nobody.</summary>
    public SslClientAuthenticationOptions? TlsClientOptions => null;

    /// <summary>For Garnet's CONFIG SET; files are looked at without being told.</summary>
    public bool UpdateCertFile(string certFileName, string certPassword, out string errorMessage)
    {
        errorMessage = "The certificate is read from its file whenever that changes.";
        return false;
    }
}
