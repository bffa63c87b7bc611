using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Backup.Benchmarks;

/// <summary>A server of its own for a benchmark: the embedded one, or Debian's redis-server where it is installed; both on disk before they answer.</summary>
internal sealed class BenchRedis : IDisposable
{
    private const string Garnet = "garnet";
    private const string Redis = "redis-server";
    private const string RedisBinary = "/usr/bin/redis-server";
    private const string Password = "of-a-benchmark";

    private static readonly TimeSpan StartTimeMax = TimeSpan.FromSeconds(30);

    private readonly string directory = Directory.CreateTempSubdirectory("backup-bench-redis-").FullName;
    private readonly int port = FreePort();
    private readonly Process process;

    private BenchRedis(string kind)
    {
        var command = kind == Garnet
            ? new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Backup.EmbeddedRedis.dll"), "--port", $"{port}", "--data", directory])
            : new ProcessStartInfo(RedisBinary, ["--bind", "127.0.0.1", "--port", $"{port}", "--dir", directory, "--appendonly", "yes", "--appendfsync", "always", "--save", "", "--requirepass", Password]);
        command.RedirectStandardOutput = true;
        command.Environment["Redis__Password"] = Password;
        process = Process.Start(command)!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
    }

    public static IEnumerable<string> Kinds => File.Exists(RedisBinary) ? [Garnet, Redis] : [Garnet];

    public string ConnectionString => $"127.0.0.1:{port},password={Password}";

    public static async Task<BenchRedis> StartAsync(string kind)
    {
        var server = new BenchRedis(kind);
        for (var started = Stopwatch.StartNew(); !await server.AnswersAsync();)
        {
            if (started.Elapsed > StartTimeMax || server.process.HasExited)
                throw new InvalidOperationException($"{kind} did not start.");
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        }
        return server;
    }

    public void Dispose()
    {
        process.Kill();
        process.WaitForExit();
        process.Dispose();
        Directory.Delete(directory, recursive: true);
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, port);
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"*2\r\n$4\r\nAUTH\r\n${Password.Length}\r\n{Password}\r\n*1\r\n$4\r\nPING\r\n"));
            var answer = new byte["+OK\r\n+PONG".Length];
            await client.GetStream().ReadExactlyAsync(answer);
            return answer.AsSpan().SequenceEqual("+OK\r\n+PONG"u8);
        }
        catch (Exception notYet) when (notYet is SocketException or IOException)
        {
            return false;
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
