using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Backup.Client;
using Backup.ClusterTests.Client;

namespace Backup.ClusterTests;

/// <summary>A cluster with Cluster:Tls=true: every connection to managers and nodes is TLS, and only who trusts its authority connects.</summary>
public sealed class TlsTests
{
    [Fact]
    public async Task Everything_speaks_TLS_and_a_renewed_certificate_is_taken_up_without_a_restart()
    {
        await using var cluster = await RunningCluster.StartAsync(null, 2, "--Cluster:Tls=true");
        var tls = Path.Join(cluster.DataDirectory, "tls");
        var address = cluster.NodeAddress(1);
        Assert.Equal("https", address.Scheme);
        using var machine = new ClientMachine(cluster);
        machine.Write("file", "content");

        // Nobody has told the client yet whom to trust. After this it is this process that trusts.
        Assert.Contains("SSL", (await machine.RunAsync("cluster", "status")).Expect(ExitCode.Unreachable).Error);
        machine["BACKUP_AUTHORITY"] = Path.Join(tls, "authority.pem");
        (await machine.RunAsync("backup")).Expect(ExitCode.Done);
        (await machine.RunAsync("restore", "--to", machine.At("back"))).Expect(ExitCode.Done);
        Assert.Equal("content", File.ReadAllText(machine.At("back/file")));

        // In the clear there is nothing.
        using (var plain = new TcpClient())
        {
            await plain.ConnectAsync("localhost", address.Port);
            var stream = plain.GetStream();
            await stream.WriteAsync("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray());
            var answer = new byte[64];
            var read = 0;
            try
            {
                read = await stream.ReadAsync(answer);
            }
            catch (IOException)
            {
                // Reset: also no answer.
            }
            Assert.DoesNotContain("HTTP/1.1 200", System.Text.Encoding.ASCII.GetString(answer, 0, read));
        }

        var before = await SerialAsync(address);
        Renew(tls);
        var patience = System.Diagnostics.Stopwatch.StartNew();
        while (await SerialAsync(address) == before)
            Assert.True(patience.Elapsed < RunningCluster.PatienceMax, "The renewed certificate was not taken up.");
        (await machine.RunAsync("list")).Expect(ExitCode.Done);
    }

    /// <summary>The serial number of the certificate that a new connection is shown.</summary>
    private static async Task<string> SerialAsync(Uri address)
    {
        var serial = "";
        using var http = new HttpClient(new SocketsHttpHandler
        {
            SslOptions = new() { RemoteCertificateValidationCallback = (_, certificate, _, _) => (serial = certificate!.GetSerialNumberString()).Length > 0 },
        });
        (await http.GetAsync(new Uri(address, "/alive"))).EnsureSuccessStatusCode();
        return serial;
    }

    private static void Renew(string tls)
    {
        using var authority = X509Certificate2.CreateFromPemFile(Path.Join(tls, "authority.pem"), Path.Join(tls, "authority.key"));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        using var made = request.Create(authority, authority.NotBefore, authority.NotBefore.AddDays(30), RandomNumberGenerator.GetBytes(16));
        // Between the two the files do not fit each other: the old one stays in force.
        File.WriteAllText(Path.Join(tls, "server.key"), key.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(Path.Join(tls, "server.pem"), made.ExportCertificatePem());
    }
}
