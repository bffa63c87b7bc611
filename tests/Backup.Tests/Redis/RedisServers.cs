using System.Diagnostics;
using System.Globalization;
using System.Net;
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
    private static readonly TimeSpan StartTimeMax = TimeSpan.FromSeconds(30);

    private readonly StringBuilder output = new();
    private Process? process;

    /// <summary>The TCP port on 127.0.0.1; the same for the whole life of this object.</summary>
    public int Port { get; } = FreePort();

    /// <summary>Where the server keeps its data; deleted on dispose.</summary>
    public string DataDirectory { get; } = Directory.CreateTempSubdirectory("backup-redis-").FullName;

    /// <summary>
    /// For StackExchange.Redis. <c>abortConnect=false</c>, since tests take the server away on purpose;
    /// the short time-outs keep such a test short, and <c>allowAdmin</c> lets it ask for checkpoints.
    /// </summary>
    public string ConnectionString =>
        $"127.0.0.1:{Port},abortConnect=false,connectTimeout=2000,syncTimeout=10000,asyncTimeout=10000,allowAdmin=true";

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
            var stream = client.GetStream();
            await stream.WriteAsync("PING\r\n"u8.ToArray());
            var answer = new byte[64];
            var length = await stream.ReadAsync(answer);
            // Redis answers -LOADING while it reads its log.
            return Encoding.ASCII.GetString(answer, 0, length).StartsWith("+PONG", StringComparison.Ordinal);
        }
        catch (Exception notYet) when (notYet is SocketException or IOException)
        {
            return false;
        }
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
    private EmbeddedRedisServer()
    {
    }

    /// <summary>Starts one; it is ready when this returns.</summary>
    public static async Task<EmbeddedRedisServer> StartNewAsync()
    {
        var server = new EmbeddedRedisServer();
        await server.StartAsync();
        return server;
    }

    /// <inheritdoc/>
    protected override ProcessStartInfo Command() =>
        // The project reference puts the program beside the tests.
        new("dotnet", [Path.Combine(AppContext.BaseDirectory, "Backup.EmbeddedRedis.dll"), "--port", PortText, "--data", DataDirectory]);
}

/// <summary>A real Redis, as Debian and Ubuntu package it. The test that asks for it is skipped where it is missing.</summary>
public sealed class DebianRedisServer : RedisServer
{
    private const string Binary = "/usr/bin/redis-server";

    private DebianRedisServer()
    {
    }

    /// <summary>
    /// Starts one; it is ready when this returns. Needs a <c>[SkippableFact]</c> or <c>[SkippableTheory]</c>.
    /// </summary>
    public static async Task<DebianRedisServer> StartNewAsync()
    {
        Skip.IfNot(File.Exists(Binary), $"{Binary} is not installed (apt-get install redis-server).");
        var server = new DebianRedisServer();
        await server.StartAsync();
        return server;
    }

    /// <inheritdoc/>
    protected override ProcessStartInfo Command() =>
        new(Binary,
        [
            "--bind", "127.0.0.1", "--port", PortText, "--dir", DataDirectory,
            // The same promise as the embedded server: on disk before the answer.
            "--appendonly", "yes", "--appendfsync", "always", "--save", "",
        ]);
}
