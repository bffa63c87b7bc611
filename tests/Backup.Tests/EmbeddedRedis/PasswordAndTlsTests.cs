using System.Diagnostics;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using Backup.Manager.Redis;
using Backup.Protocol;
using Backup.Tests.Redis;
using StackExchange.Redis;

namespace Backup.Tests.EmbeddedRedis;

/// <summary>Whoever reaches Redis has all of the cluster: so it tells nothing to who does not give its password, and the manager gives that to nobody who is not its Redis.</summary>
public sealed class PasswordAndTlsTests
{
    private static readonly TimeSpan PatienceMax = TimeSpan.FromMinutes(1);

    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Who_does_not_give_the_password_is_told_nothing(bool isEmbedded)
    {
        await using var server = await StartAsync(isEmbedded, null);
        foreach (var words in new string[][]
        {
            ["GET", "clients"], ["SET", "clients", "x"], ["KEYS", "*"], ["FLUSHALL"], ["EVAL", "return redis.call('KEYS', '*')", "0"], ["CONFIG", "GET", "*"],
            ["SUBSCRIBE", "x"], ["MONITOR"], ["DEBUG", "SLEEP", "0"], ["REPLICAOF", "127.0.0.1", "1"], ["ACL", "SETUSER", "default", "on", "nopass"], ["SHUTDOWN"],
            ["AUTH", ""], ["AUTH", "wrong"], ["AUTH", "default", "wrong"], ["AUTH", RedisServer.Password[..^1]], ["HELLO", "3", "AUTH", "default", "wrong"],
        })
        {
            var answer = await AskAsync(server.Port, words);
            Assert.True(answer.StartsWith('-'), $"{string.Join(' ', words)}: {answer}");
        }
        await using var wrong = Metadata.Connect(server.Address.Replace(RedisServer.Password, "wrong", StringComparison.Ordinal));
        var failed = await Assert.ThrowsAsync<FailureException>(() => wrong.ReadSetAsync("clients", default));
        Assert.Equal((FailureCode.MetadataUnavailable, "redis"), (failed.Failure.Code, failed.Failure.Culprit));
        Assert.DoesNotContain("wrong", failed.Failure.Message);
        await using var right = Metadata.Connect(server.Address);
        Assert.Empty(await right.ReadSetAsync("clients", default));
    }

    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Over_TLS_the_manager_talks_to_nobody_whose_certificate_it_does_not_trust(bool isEmbedded)
    {
        using var authority = new TestAuthority();
        using var other = new TestAuthority();
        await using var server = await StartAsync(isEmbedded, authority);

        Trust.Use(other.AuthorityFile);
        await using (var metadata = Metadata.Connect(server.Address))
            Assert.Equal(FailureCode.MetadataUnavailable, (await Assert.ThrowsAsync<FailureException>(() => metadata.ReadSetAsync("clients", default))).Failure.Code);
        Trust.Use(authority.AuthorityFile);
        await using (var metadata = Metadata.Connect(server.Address))
            Assert.Empty(await metadata.ReadSetAsync("clients", default));
        // What is longer than any buffer on the way comes through whole, both ways.
        var options = ConfigurationOptions.Parse(server.ConnectionString);
        options.CertificateValidation += Trust.IsTrusted;
        await using (var redis = await ConnectionMultiplexer.ConnectAsync(options))
        {
            var whole = new string('x', 3 << 20);
            await redis.GetDatabase().StringSetAsync("long", whole);
            Assert.Equal(whole, (string?)await redis.GetDatabase().ScriptEvaluateAsync("return redis.call('GET', KEYS[1])", ["long"]));
        }
        // In the clear there is nothing, not even for who has the password.
        await using (var clear = Metadata.Connect(server.Address.Replace(",ssl=true", "", StringComparison.Ordinal)))
            Assert.Equal(FailureCode.MetadataUnavailable, (await Assert.ThrowsAsync<FailureException>(() => clear.ReadSetAsync("clients", default))).Failure.Code);
    }

    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_certificate_for_another_address_is_not_taken(bool isEmbedded)
    {
        using var authority = new TestAuthority("127.0.0.9");
        await using var server = await StartAsync(isEmbedded, authority);
        Trust.Use(authority.AuthorityFile);
        await using var metadata = Metadata.Connect(server.Address);
        Assert.Equal(FailureCode.MetadataUnavailable, (await Assert.ThrowsAsync<FailureException>(() => metadata.ReadSetAsync("clients", default))).Failure.Code);
    }

    [Fact]
    public async Task The_embedded_one_takes_up_a_renewed_certificate_without_a_restart()
    {
        using var authority = new TestAuthority();
        await using var server = await EmbeddedRedisServer.StartNewAsync(authority);
        var renewed = authority.Certify();
        for (var patience = Stopwatch.StartNew(); await SerialAsync(server.Port) != renewed;)
            Assert.True(patience.Elapsed < PatienceMax, "The renewed certificate was not taken up.");
    }

    [Fact]
    public async Task The_embedded_one_does_not_start_without_a_password()
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Backup.EmbeddedRedis.dll"), "--port", "1", "--data", "/nowhere"]) { RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(PatienceMax);
        Assert.Equal(2, process.ExitCode);
        Assert.Contains("Redis__Password", Assert.Single(error.Trim().Split('\n')));
    }

    private static async Task<RedisServer> StartAsync(bool isEmbedded, TestAuthority? tls) =>
        isEmbedded ? await EmbeddedRedisServer.StartNewAsync(tls) : await DebianRedisServer.StartNewAsync(tls);

    /// <summary>What a command on a connection of its own is answered; an error too where the connection is ended.</summary>
    private static async Task<string> AskAsync(int port, string[] words)
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", port);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"*{words.Length}\r\n" + string.Concat(words.Select(word => $"${word.Length}\r\n{word}\r\n"))));
        using var answer = new StreamReader(client.GetStream(), Encoding.ASCII);
        return await answer.ReadLineAsync().WaitAsync(PatienceMax) ?? "-ended";
    }

    private static async Task<string> SerialAsync(int port)
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", port);
        await using var stream = new SslStream(client.GetStream());
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, _, _, _) => true });
        return stream.RemoteCertificate!.GetSerialNumberString();
    }
}
