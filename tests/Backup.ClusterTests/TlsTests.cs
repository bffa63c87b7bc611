using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Backup.Client;
using Backup.ClusterTests.Client;
using Backup.Tests.Redis;

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

        // In the clear there is nothing, from Redis neither.
        Assert.DoesNotContain("HTTP/1.1 200", await InTheClearAsync(address.Port, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        var password = new FileInfo(Path.Join(cluster.DataDirectory, "redis.password"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, password.UnixFileMode);
        Assert.Equal("", await InTheClearAsync(cluster.App.GetEndpoint("redis", "tcp").Port, $"AUTH {File.ReadAllText(password.FullName).Trim()}\r\nPING\r\n"));

        // Nor HTTP/2, whatever a client offers.
        Assert.Equal(SslApplicationProtocol.Http11, await AgreedAsync(address, SslApplicationProtocol.Http2, SslApplicationProtocol.Http11));
        var before = await SerialAsync(address);
        Renew(tls);
        var patience = System.Diagnostics.Stopwatch.StartNew();
        while (await SerialAsync(address) == before)
            Assert.True(patience.Elapsed < RunningCluster.PatienceMax, "The renewed certificate was not taken up.");
        (await machine.RunAsync("list")).Expect(ExitCode.Done);
    }

    /// <summary>A Redis that runs elsewhere: what stands in the connection string is done, and its certificate must be of the cluster's authority or a public one.</summary>
    [SkippableFact]
    public async Task A_Redis_elsewhere_is_reached_with_its_password_over_TLS()
    {
        var data = Directory.CreateTempSubdirectory("backup-cluster-");
        try
        {
            // It has a certificate of the authority that the AppHost finds in the data directory.
            using var authority = new TestAuthority(folder: Path.Join(data.FullName, "tls"));
            await using var redis = await DebianRedisServer.StartNewAsync(authority);
            await using var cluster = await RunningCluster.StartAsync(
                data.FullName, 2, "--Cluster:Tls=true", "--Cluster:Redis=external", $"--ConnectionStrings:redis={redis.Address}");
            using var machine = new ClientMachine(cluster);
            machine["BACKUP_AUTHORITY"] = authority.AuthorityFile;
            machine.Write("file", "content");
            (await machine.RunAsync("backup")).Expect(ExitCode.Done);
            (await machine.RunAsync("list")).Expect(ExitCode.Done);
            Assert.False(File.Exists(Path.Join(data.FullName, "redis.password")));
        }
        finally
        {
            if (data.Exists)
                data.Delete(recursive: true);
        }
    }

    /// <returns>What is answered before the connection ends or, for who says nothing, three seconds are over.</returns>
    private static async Task<string> InTheClearAsync(int port, string request)
    {
        using var plain = new TcpClient();
        await plain.ConnectAsync("localhost", port);
        var stream = plain.GetStream();
        await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(request));
        var answer = new byte[64];
        using var silence = new CancellationTokenSource(TimeSpan.FromSeconds(3));
        try
        {
            return System.Text.Encoding.ASCII.GetString(answer, 0, await stream.ReadAsync(answer, silence.Token));
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // Reset, or still waiting for the beginning of TLS: also no answer.
            return "";
        }
    }

    private static async Task<SslApplicationProtocol> AgreedAsync(Uri address, params SslApplicationProtocol[] offered)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(address.Host, address.Port);
        await using var stream = new SslStream(client.GetStream());
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { ApplicationProtocols = [.. offered], RemoteCertificateValidationCallback = (_, _, _, _) => true });
        return stream.NegotiatedApplicationProtocol;
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
