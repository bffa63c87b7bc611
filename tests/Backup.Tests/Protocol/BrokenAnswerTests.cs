using System.Net;
using System.Net.Sockets;
using Backup.Protocol;

namespace Backup.Tests.Protocol;

/// <summary>Connections that are reset, answers that break off, never end or are none: failures like any other way of not being reached.</summary>
public sealed class BrokenAnswerTests
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

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"files\":[", FailureCode.NodeUnreachable)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"fil\r\n", FailureCode.NodeUnreachable)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>", FailureCode.Internal)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]", FailureCode.Internal)]
    public async Task An_answer_that_breaks_off_or_is_none_is_a_failure_that_says_whose(string answer, FailureCode code)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var node = Clients.Create<INode>(new Uri($"http://{listener.LocalEndpoint}"), "n1");
        var asked = node.ListAsync(ClientId.New(), new ListRequest("", null, 1), default);
        using (var accepted = await listener.AcceptSocketAsync())
        {
            await accepted.ReceiveAsync(new byte[16_384]);
            await accepted.SendAsync(System.Text.Encoding.ASCII.GetBytes(answer));
            accepted.Shutdown(SocketShutdown.Send);
        }

        var e = await Assert.ThrowsAsync<FailureException>(() => asked);

        Assert.Equal((code, "n1"), (e.Failure.Code, e.Failure.Culprit));
    }

    [Fact]
    public async Task An_answer_that_never_ends_is_given_up_in_time()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var node = Clients.Create<INode>(new Uri($"http://{listener.LocalEndpoint}"), "n1", answerTime: TimeSpan.FromSeconds(1));
        var asked = node.ListAsync(ClientId.New(), new ListRequest("", null, 1), default);
        using var accepted = await listener.AcceptSocketAsync();
        await accepted.ReceiveAsync(new byte[16_384]);
        await accepted.SendAsync("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"u8.ToArray());

        Assert.Equal(FailureCode.TimedOut, (await Assert.ThrowsAsync<FailureException>(() => asked)).Failure.Code);
    }

    private static async Task ResetAsync(Socket accepted, bool isBeforeFirstUse)
    {
        if (!isBeforeFirstUse)
            await accepted.ReceiveAsync(new byte[1]);
        accepted.LingerState = new LingerOption(true, 0);
        accepted.Dispose();
    }
}
