using System.Net;
using System.Net.Sockets;

namespace Backup.FaultTests.Torture;

/// <summary>What a proxy does to what passes through it.</summary>
internal enum ProxyFault
{
    None,

    /// <summary>What the client sends goes nowhere; it hears nothing.</summary>
    DropRequests,

    /// <summary>What the server answers goes nowhere.</summary>
    DropReplies,

    /// <summary>Everything arrives late.</summary>
    Delay,

    /// <summary>Connections break.</summary>
    Cut,
}

/// <summary>A TCP connection through a bad network: stands on loopback before one address, for clients.</summary>
internal sealed class FaultyProxy : IAsyncDisposable
{
    private static readonly TimeSpan DelayTime = TimeSpan.FromMilliseconds(300);

    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stop = new();
    private readonly Uri target;
    private readonly Task accepting;
    private volatile ProxyFault fault;
    private CancellationTokenSource connections = new();

    public FaultyProxy(Uri target)
    {
        this.target = target;
        listener.Start();
        accepting = AcceptAsync();
    }

    public Uri Address => new($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/");

    public ProxyFault Fault
    {
        get => fault;
        set
        {
            fault = value;
            if (value == ProxyFault.Cut)
                Interlocked.Exchange(ref connections, new CancellationTokenSource()).Cancel();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Stop();
        await connections.CancelAsync();
        await accepting;
    }

    private async Task AcceptAsync()
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                var client = await listener.AcceptTcpClientAsync(stop.Token);
                _ = Task.Run(() => ServeAsync(client, connections.Token));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(TcpClient client, CancellationToken cut)
    {
        using var mine = client;
        using var server = new TcpClient();
        try
        {
            if (fault == ProxyFault.Cut)
                return;
            await server.ConnectAsync(target.Host, target.Port, cut);
            await Task.WhenAny(
                CarryAsync(client.GetStream(), server.GetStream(), ProxyFault.DropRequests, cut),
                CarryAsync(server.GetStream(), client.GetStream(), ProxyFault.DropReplies, cut));
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
            // Both ends see it.
        }
    }

    private async Task CarryAsync(NetworkStream from, NetworkStream to, ProxyFault dropping, CancellationToken cut)
    {
        var buffer = new byte[64 << 10];
        try
        {
            while (await from.ReadAsync(buffer, cut) is > 0 and var read)
            {
                if (fault == ProxyFault.Delay)
                    await Task.Delay(DelayTime, TimeProvider.System, cut);
                // A stream with a hole in it would be a lie that TCP does not tell: once something is dropped, all that follows is.
                if (fault == dropping)
                    await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cut);
                await to.WriteAsync(buffer.AsMemory(0, read), cut);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
        }
    }
}
