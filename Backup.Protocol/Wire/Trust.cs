using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Backup.Protocol;

/// <summary>
/// Whose certificates this process takes beside those the system trusts: the authorities in a PEM file, or servers' own
/// certificates, which pins them. The name must match in any case. Set once, at the start; the file is read again when it changes.
/// </summary>
public static class Trust
{
    private static volatile CertificateFile<X509Certificate2Collection>? own;

    /// <exception cref="FailureException">The file cannot be read, or holds no certificate.</exception>
    public static void Use(string file)
    {
        own = new CertificateFile<X509Certificate2Collection>([file], () =>
        {
            var read = new X509Certificate2Collection();
            read.ImportFromPemFile(file);
            return read.Count > 0 ? read : throw new System.Security.Cryptography.CryptographicException("it holds no certificate");
        });
    }

    /// <summary>Whether a server that shows this is taken for what it says, as <see cref="RemoteCertificateValidationCallback"/>.</summary>
    public static bool IsTrusted(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (errors == SslPolicyErrors.None)
            return true;
        if (own is null || certificate is null || errors != SslPolicyErrors.RemoteCertificateChainErrors)
            return false;
        using var anchored = new X509Chain();
        anchored.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        anchored.ChainPolicy.CustomTrustStore.AddRange(own.Current);
        anchored.ChainPolicy.ExtraStore.AddRange(chain?.ChainPolicy.ExtraStore ?? []);
        // A private authority has nowhere to ask.
        anchored.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        anchored.ChainPolicy.ApplicationPolicy.Add(new System.Security.Cryptography.Oid("1.3.6.1.5.5.7.3.1"));
        return anchored.Build((X509Certificate2)certificate);
    }
}

/// <summary>Something read from PEM files, and read again once they have changed. A change that cannot be read yet leaves what was there.</summary>
public sealed class CertificateFile<T> where T : class
{
    /// <summary>A handshake costs a millisecond; a look at two files a hundredth of that.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    private readonly string[] files;
    private readonly Func<T> read;
    private readonly Lock reading = new();
    private T current;
    private string stamp;
    private long looked = TimeProvider.System.GetTimestamp();

    /// <exception cref="FailureException">They cannot be read.</exception>
    public CertificateFile(string[] files, Func<T> read)
    {
        (this.files, this.read) = (files, read);
        try
        {
            (stamp, current) = (Stamp(), read());
        }
        catch (Exception e) when (IsUnreadable(e))
        {
            throw new Failure(FailureCode.LocalFailed, $"{string.Join(" and ", files)} cannot be used: {e.Message.TrimEnd('.')}.", files[0],
                "Name PEM files that this process may read.").Exception(e);
        }
    }

    public T Current
    {
        get
        {
            lock (reading)
            {
                if (TimeProvider.System.GetElapsedTime(looked) < LookEvery)
                    return current;
                looked = TimeProvider.System.GetTimestamp();
                try
                {
                    if (Stamp() is var now && now != stamp)
                        (current, stamp) = (read(), now);
                }
                catch (Exception e) when (IsUnreadable(e))
                {
                    // Half written, or certificate and key of two generations: the next look finds them whole.
                }
                return current;
            }
        }
    }

    private static bool IsUnreadable(Exception e) => e is IOException or UnauthorizedAccessException or System.Security.Cryptography.CryptographicException or ArgumentException;

    private string Stamp() => string.Join('|', files.Select(file => $"{File.GetLastWriteTimeUtc(file).Ticks} {new FileInfo(file).Length}"));
}
