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
public static class TlsSetup
{
    internal static void AddTls(this IHostApplicationBuilder builder)
    {
        TrustAuthority(builder.Configuration);
        // Asked at each handshake: a renewed certificate is in force a second after its file was written.
        if (Certificate(builder.Configuration) is { } files)
            builder.Services.Configure<KestrelServerOptions>(server => server.ConfigureHttpsDefaults(https => https.ServerCertificateSelector = (_, _) => files.Current));
    }

    /// <summary>From here on this process trusts the authority that the configuration names, if it names one.</summary>
    /// <exception cref="FailureException">The file cannot be read.</exception>
    public static void TrustAuthority(IConfiguration configuration)
    {
        if (configuration["Tls:AuthorityFile"] is { Length: > 0 } authority)
            Trust.Use(authority);
    }

    /// <summary>What this process shows to those who connect; null for none.</summary>
    /// <exception cref="FailureException">The files cannot be read.</exception>
    public static CertificateFile<X509Certificate2>? Certificate(IConfiguration configuration)
    {
        var section = configuration.GetSection("Tls");
        if (section["CertificateFile"] is not { Length: > 0 } certificate)
            return null;
        var key = section["KeyFile"] is { Length: > 0 } named ? named : certificate;
        return new CertificateFile<X509Certificate2>([certificate, key], () => X509Certificate2.CreateFromPemFile(certificate, key));
    }
}
