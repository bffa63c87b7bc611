using System.Security.Cryptography.X509Certificates;
using Backup.Protocol;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Backup.ServiceDefaults;

/// <summary>
/// TLS from files, for every listener whose address begins with https: section `Tls` of the configuration, with
/// `CertificateFile` and `KeyFile` in PEM, and `AuthorityFile` for whom this process trusts when it connects (docs/adr/0028).
/// </summary>
internal static class TlsSetup
{
    public static void AddTls(this IHostApplicationBuilder builder)
    {
        var section = builder.Configuration.GetSection("Tls");
        if (section["AuthorityFile"] is { Length: > 0 } authority)
            Trust.Use(authority);
        if (section["CertificateFile"] is not { Length: > 0 } certificate)
            return;
        var key = section["KeyFile"] is { Length: > 0 } named ? named : certificate;
        var files = new CertificateFile<X509Certificate2>([certificate, key], () => X509Certificate2.CreateFromPemFile(certificate, key));
        // Asked at each handshake: a renewed certificate is in force a second after its file was written.
        builder.Services.Configure<KestrelServerOptions>(server => server.ConfigureHttpsDefaults(https => https.ServerCertificateSelector = (_, _) => files.Current));
    }
}
