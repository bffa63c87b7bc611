using System.Net;
using System.Net.Sockets;
using Backup.Protocol;

namespace Backup.Tests.Protocol;

/// <summary>A connection that the other end resets: a failure like any other way of not being reached.</summary>
public sealed class ResetTests
{
    [Theory, InlineData(true), InlineData(false)]
    public async Task A_connection_reset_by_the_other_end_is_a_failure_that_says_who_was_not_reached(bool isBeforeFirstUse)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var transport = new SocketsHttpHandler
        {
            ConnectCallback = async (to, ct) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(to.DnsEndPoint, ct);
                var accepted = await listener.AcceptSocketAsync(ct);
                var reset = ResetAsync(accepted, isBeforeFirstUse);
                if (isBeforeFirstUse)
                {
                    await reset;
                    socket.Poll(TimeSpan.FromSeconds(10), SelectMode.SelectRead);
                }
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        using var http = new HttpClient(new NamesTheCulprit("n1", FailureCode.NodeUnreachable, Timeout.InfiniteTimeSpan, transport));

        var e = await Assert.ThrowsAsync<FailureException>(() => http.GetAsync(new Uri($"http://{listener.LocalEndpoint}/alive")));

        Assert.Equal((FailureCode.NodeUnreachable, "n1"), (e.Failure.Code, e.Failure.Culprit));
    }

    private static async Task ResetAsync(Socket accepted, bool isBeforeFirstUse)
    {
        if (!isBeforeFirstUse)
            await accepted.ReceiveAsync(new byte[1]);
        accepted.LingerState = new LingerOption(true, 0);
        accepted.Dispose();
    }
}
