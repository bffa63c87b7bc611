using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Backup.Tests.Redis;

/// <summary>
/// A server that speaks the Redis protocol, run as a child process on a free port with a directory of its own,
/// so that a test can really kill it (SIGKILL) and start it again on what it left behind.
/// </summary>
public abstract class RedisServer : IAsyncDisposable
{
    /// <summary>An empty server answers within a second; the rest is for a busy machine and a long log.</summary>
    private static readonly TimeSpan StartTimeMax = TimeSpan.FromMinutes(3);

    private readonly StringBuilder output = new();
    private Process? process;

    /// <param name="dataDirectory">Null for a new one on the disk.</param>
    protected RedisServer(string? dataDirectory) => DataDirectory = dataDirectory ?? Directory.CreateTempSubdirectory("backup-redis-").FullName;

    /// <summary>The TCP port on 127.0.0.1; the same for the whole life of this object.</summary>
    public int Port { get; } = FreePort();

    /// <summary>Where the server keeps its data; deleted on dispose.</summary>
    public string DataDirectory { get; }

    /// <summary>What whoever connects has to give.</summary>
    public const string Password = "test-of-a-password";

    /// <summary>Where it is and what opens it, as the manager's connection string takes it.</summary>
    public string Address => $"127.0.0.1:{Port},password={Password}{(Tls is null ? "" : ",ssl=true")}";

    /// <summary>What it shows to those who connect; null where it speaks no TLS.</summary>
    public TestAuthority? Tls { get; protected init; }

    /// <summary>
    /// For StackExchange.Redis. <c>abortConnect=false</c>, since tests take the server away on purpose;
    /// the short time-outs keep such a test short, and <c>allowAdmin</c> lets it ask for checkpoints.
    /// </summary>
    public string ConnectionString =>
        $"{Address},abortConnect=false,connectTimeout=2000,syncTimeout=10000,asyncTimeout=10000,allowAdmin=true";

    /// <summary>The running server's process.</summary>
    public int ProcessId => process?.Id ?? throw new InvalidOperationException("The server is not running.");

    /// <summary>How to start the server on <see cref="Port"/> and <see cref="DataDirectory"/>.</summary>
    protected abstract ProcessStartInfo Command();

    /// <summary>Ends the server with SIGKILL, as a crash would, and returns when it is gone.</summary>
    public async Task KillAsync()
    {
        if (process is null)
            return;

        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        process = null;
    }

    /// <summary>Starts the server again on the same port and directory, killing it first if it still runs.</summary>
    public async Task RestartAsync()
    {
        await KillAsync();
        await StartAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        Directory.Delete(DataDirectory, recursive: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Starts the server and returns once it answers PING.</summary>
    protected async Task StartAsync()
    {
        var command = Command();
        command.RedirectStandardOutput = true;
        command.RedirectStandardError = true;
        // Held open by us: a server that watches its input ends when this test process does.
        command.RedirectStandardInput = true;
        command.Environment["BACKUP_EXIT_WITH_PARENT"] = "1";
        process = Process.Start(command)!;
        process.OutputDataReceived += Keep;
        process.ErrorDataReceived += Keep;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();

        var started = Stopwatch.StartNew();
        while (!await AnswersAsync())
        {
            if (process.HasExited || started.Elapsed > StartTimeMax)
                throw new InvalidOperationException($"{command.FileName} did not start on port {Port}: {Output()}");

            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        }
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, Port);
            await using var stream = await OpenAsync(client);
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"*2\r\n$4\r\nAUTH\r\n${Password.Length}\r\n{Password}\r\n*1\r\n$4\r\nPING\r\n"));
            var answer = new byte["+OK\r\n+PONG".Length];
            await stream.ReadExactlyAsync(answer);
            // Redis answers -LOADING while it reads its log.
            return Encoding.ASCII.GetString(answer) == "+OK\r\n+PONG";
        }
        catch (Exception notYet) when (notYet is SocketException or IOException)
        {
            return false;
        }
    }

    private async Task<Stream> OpenAsync(TcpClient client)
    {
        if (Tls is null)
            return client.GetStream();
        var secured = new SslStream(client.GetStream());
        await secured.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, _, _, _) => true });
        return secured;
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (output)
            output.AppendLine(line.Data);
    }

    private string Output()
    {
        lock (output)
            return output.ToString();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>The port as command lines want it.</summary>
    protected string PortText => Port.ToString(CultureInfo.InvariantCulture);
}

/// <summary>The server that ships with the solution: <c>Backup.EmbeddedRedis</c>, exactly as the cluster runs it.</summary>
public sealed class EmbeddedRedisServer : RedisServer
{
    private EmbeddedRedisServer(string? dataDirectory) : base(dataDirectory)
    {
    }

    /// <summary>Starts one; it is ready when this returns.</summary>
    /// <param name="prepare">Is given the data directory before the server is started in it.</param>
    public static async Task<EmbeddedRedisServer> StartNewAsync(TestAuthority? tls = null, Func<string, Task>? prepare = null, string? dataDirectory = null)
    {
        var server = new EmbeddedRedisServer(dataDirectory) { Tls = tls };
        if (prepare is not null)
            await prepare(server.DataDirectory);
        await server.StartAsync();
        return server;
    }

    /// <inheritdoc/>
    protected override ProcessStartInfo Command()
    {
        // The project reference puts the program beside the tests.
        var command = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Backup.EmbeddedRedis.dll"), "--port", PortText, "--data", DataDirectory]);
        command.Environment["Redis__Password"] = Password;
        command.Environment["Tls__CertificateFile"] = Tls?.CertificateFile ?? "";
        command.Environment["Tls__KeyFile"] = Tls?.KeyFile ?? "";
        return command;
    }
}

/// <summary>A real Redis, as Debian and Ubuntu package it. The test that asks for it is skipped where it is missing.</summary>
public sealed class DebianRedisServer : RedisServer
{
    private const string Binary = "/usr/bin/redis-server";

    private DebianRedisServer(string? dataDirectory) : base(dataDirectory)
    {
    }

    /// <summary>
    /// Starts one; it is ready when this returns. Needs a <c>[SkippableFact]</c> or <c>[SkippableTheory]</c>.
    /// </summary>
    public static async Task<DebianRedisServer> StartNewAsync(TestAuthority? tls = null, string? dataDirectory = null)
    {
        Skip.IfNot(File.Exists(Binary), $"{Binary} is not installed (apt-get install redis-server).");
        var server = new DebianRedisServer(dataDirectory) { Tls = tls };
        await server.StartAsync();
        return server;
    }

    /// <inheritdoc/>
    protected override ProcessStartInfo Command() =>
        new(Binary,
        [
            "--bind", "127.0.0.1", "--dir", DataDirectory,
            // The same promise as the embedded server: on disk before the answer.
            "--appendonly", "yes", "--appendfsync", "always", "--save", "", "--requirepass", Password,
            .. Tls is null ? (string[])["--port", PortText]
                : ["--port", "0", "--tls-port", PortText, "--tls-cert-file", Tls.CertificateFile, "--tls-key-file", Tls.KeyFile, "--tls-auth-clients", "no"],
        ]);
}
