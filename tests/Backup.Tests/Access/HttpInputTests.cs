using System.Net.Sockets;
using System.Text;
using Backup.Protocol;
using Backup.ServiceDefaults;
using Backup.Tests.Manager;

namespace Backup.Tests.Access;

/// <summary>Requests that no HTTP library would make, byte by byte, to a real node and with a real token: each is refused, and the node serves the next.</summary>
[Collection(OnGarnet.Name)]
public sealed class HttpInputTests(GarnetFixture fixture)
{
    private static readonly TimeSpan AnswerTimeMax = TimeSpan.FromSeconds(60);

    /// <summary>Name, request line, further headers, body. `TOKEN` and `HOST` are put in; Host and Authorization are added unless `bare`.</summary>
    private static readonly (string Name, string Line, string Headers, string Body)[] Bad =
    [
        ("length negative", "PUT /files/a", "Content-Length: -1\r\n", "x"),
        ("length of 2^63", "PUT /files/a", "Content-Length: 9223372036854775808\r\n", "x"),
        ("length as 1e3", "PUT /files/a", "Content-Length: 1e3\r\n", "x"),
        ("length twice", "PUT /files/a", "Content-Length: 1\r\nContent-Length: 2\r\n", "xx"),
        ("chunk size beyond all", "PUT /files/a", "Transfer-Encoding: chunked\r\n", "ffffffffffffffffff\r\nx"),
        ("chunk size that is none", "PUT /files/a", "Transfer-Encoding: chunked\r\n", "zz\r\nx\r\n0\r\n\r\n"),
        ("unknown transfer encoding", "PUT /files/a", "Transfer-Encoding: gzip\r\n", "x"),
        ("two hosts", "GET /v1/cluster", "Host: other\r\n", ""),
        ("two tokens", "GET /v1/cluster", "Authorization: Bearer TOKEN\r\n", ""),
        ("a line feed in a value", "GET /v1/cluster", "Backup-Client: a\nEvil: b\r\n", ""),
        ("a NUL in a value", "GET /v1/cluster", "Backup-Client: a\0b\r\n", ""),
        ("no colon", "GET /v1/cluster", "Backup-Client\r\n", ""),
        ("a space before the colon", "GET /v1/cluster", "Backup-Client : a\r\n", ""),
        ("headers beyond their number", "GET /v1/cluster", string.Concat(Enumerable.Range(0, 101).Select(i => $"H{i}: x\r\n")), ""),
        ("headers beyond their size", "GET /v1/cluster", $"H: {new string('x', 33 << 10)}\r\n", ""),
        ("a request line beyond its size", $"GET /files/{new string('x', 64 << 10)}", "", ""),
        ("a version that is none", "GET /v1/cluster HTTP/9.9", "", ""),
        ("up and out", "PUT /files/../../etc/passwd", "Content-Length: 1\r\n", "x"),
        ("up and out, encoded", "PUT /files/..%2f..%2fetc/passwd", "Content-Length: 1\r\n", "x"),
        ("up and out, encoded whole", "PUT /files/%2e%2e/%2e%2e/x", "Content-Length: 1\r\n", "x"),
        ("up and out, backwards", "PUT /files/a%5c..%5c..%5cx", "Content-Length: 1\r\n", "x"),
        ("a NUL in the path", "PUT /files/a%00b", "Content-Length: 1\r\n", "x"),
        ("overlong UTF-8 in the path", "PUT /files/%c0%ae%c0%ae/x", "Content-Length: 1\r\n", "x"),
        ("a lone surrogate in the path", "PUT /files/%ed%a0%80", "Content-Length: 1\r\n", "x"),
        ("an empty component", "PUT /files/a//b", "Content-Length: 1\r\n", "x"),
        ("a component of 256 bytes", $"PUT /files/{new string('x', 256)}", "Content-Length: 1\r\n", "x"),
        ("JSON too deep", "POST /v1/lookup", Json(new string('[', 5000)), new string('[', 5000)),
        ("JSON with a key twice", "POST /v1/lookup", Json("""{"paths":["a"],"paths":["b"]}"""), """{"paths":["a"],"paths":["b"]}"""),
        ("JSON with null where none may be", "POST /v1/lookup", Json("""{"paths":null}"""), """{"paths":null}"""),
        ("JSON with a path that climbs", "POST /v1/lookup", Json("""{"paths":["../x"]}"""), """{"paths":["../x"]}"""),
        ("JSON that is none", "POST /v1/lookup", Json("{"), "{"),
        ("a body of another type", "POST /v1/lookup", "Content-Type: text/plain\r\nContent-Length: 2\r\n", "{}"),
        ("a compressed body", "POST /v1/lookup", "Content-Encoding: gzip\r\n" + Json("\u001f"), "\u001f"),
        ("a segment that is none", "PUT /v1/segments", "Backup-Nodes: n1\r\nBackup-Epoch: 1\r\nContent-Length: 200\r\n", new string('x', 200)),
        ("a segment beyond its size", "PUT /v1/segments", "Backup-Nodes: n1\r\nBackup-Epoch: 1\r\nContent-Length: 99999999999\r\n", "x"),
        ("an epoch that is none", "PUT /v1/segments", "Backup-Nodes: n1\r\nBackup-Epoch: 1e9\r\nContent-Length: 0\r\n", ""),
        ("a node by its address", "PUT /v1/segments", "Backup-Nodes: http://169.254.169.254/\r\nBackup-Epoch: 1\r\nContent-Length: 0\r\n", ""),
        ("a method put into a header", "GET /v1/place", "X-HTTP-Method-Override: POST\r\n", ""),
    ];

    [Fact]
    public async Task Each_is_refused_and_the_next_request_is_served()
    {
        await using var servers = await RouteTableTests.Servers.StartAsync(fixture, SecurityOptions.Invitation, "--Cluster:Copies=1");
        var token = (await Credential.EnrolAsync(servers.Tokens, ClientId.New(), Scopes.OfTokens)).Reveal();
        var taken = new List<string>();
        foreach (var (name, line, headers, body) in Bad)
        {
            var status = await StatusAsync(servers.Node.Address, token, line, headers, body);
            // No answer at all is a refusal too: the connection was ended.
            if (status is not null && (status[0] != '4' && status != "505"))
                taken.Add($"{name}: {status}");
            Assert.Equal("200", await StatusAsync(servers.Node.Address, token, "GET /v1/cluster", "", ""));
        }
        Assert.True(taken.Count == 0, string.Join('\n', taken));
    }

    /// <summary>A body that ends early, or says another digest, leaves nothing behind.</summary>
    [Fact]
    public async Task A_body_cut_short_is_no_file()
    {
        await using var servers = await RouteTableTests.Servers.StartAsync(fixture, SecurityOptions.Invitation, "--Cluster:Copies=1");
        var token = (await Credential.EnrolAsync(servers.Tokens, ClientId.New(), Scopes.OfTokens)).Reveal();
        using (var socket = await SendAsync(servers.Node.Address, token, "PUT /files/short", "Content-Length: 1000\r\n", "only this"))
            socket.Client.Shutdown(SocketShutdown.Send);
        using (var socket = await SendAsync(servers.Node.Address, token, "PUT /files/short", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n"))
            socket.Client.Shutdown(SocketShutdown.Send);
        Assert.Equal("201", await StatusAsync(servers.Node.Address, token, "PUT /files/%c3%a4%20100%25", "Content-Length: 5\r\n", "hello"));
        Assert.Equal("200", await StatusAsync(servers.Node.Address, token, "GET /files/%C3%A4%20100%25?x=%2f", "", ""));
        Assert.Equal("201", await StatusAsync(servers.Node.Address, token, "PUT /files/whole", "Content-Length: 5\r\n", "hello"));
        Assert.Equal("404", await StatusAsync(servers.Node.Address, token, "GET /files/short", "", ""));
        Assert.Equal("200", await StatusAsync(servers.Node.Address, token, "GET /files/whole", "", ""));
    }

    /// <summary>A length beside chunks counts for nothing, and nothing behind such a request is taken for another one.</summary>
    [Fact]
    public async Task A_length_beside_chunks_smuggles_nothing()
    {
        await using var servers = await RouteTableTests.Servers.StartAsync(fixture, SecurityOptions.Invitation, "--Cluster:Copies=1");
        var token = (await Credential.EnrolAsync(servers.Tokens, ClientId.New(), Scopes.OfTokens)).Reveal();
        using var socket = new TcpClient();
        await socket.ConnectAsync(servers.Node.Address.Host, servers.Node.Address.Port);
        var head = $"Host: {servers.Node.Address.Authority}\r\nAuthorization: Bearer {token}\r\n";
        await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
            $"PUT /files/both HTTP/1.1\r\n{head}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nDELETE /files/both HTTP/1.1\r\n{head}\r\n"));
        using var patience = new CancellationTokenSource(AnswerTimeMax);
        var answers = await new StreamReader(socket.GetStream()).ReadToEndAsync(patience.Token);
        Assert.Single(answers.Split("HTTP/1.1 ")[1..]);
        using var http = new HttpClient { BaseAddress = servers.Node.Address };
        http.DefaultRequestHeaders.Add("Authorization", $"Bearer {token}");
        Assert.Equal("hello", await http.GetStringAsync("/files/both"));
    }

    /// <summary>More connections than there are places wait outside, and give way once some end.</summary>
    [Fact]
    public async Task Idle_connections_and_slow_senders_do_not_keep_others_out_for_ever()
    {
        await using var servers = await RouteTableTests.Servers.StartAsync(fixture, SecurityOptions.Invitation);
        var token = (await Credential.EnrolAsync(servers.Tokens, ClientId.New(), Scopes.OfTokens)).Reveal();
        var idle = new List<TcpClient>();
        try
        {
            for (var i = 0; i < 400; i++)
            {
                var socket = new TcpClient();
                await socket.ConnectAsync(servers.Node.Address.Host, servers.Node.Address.Port);
                // Half of them begin a request and never end it.
                if (i % 2 == 0)
                    await socket.GetStream().WriteAsync("GET /v1/cluster HTTP/1.1\r\nHo"u8.ToArray());
                idle.Add(socket);
            }
            // Those that began are ended after ten seconds, which makes room.
            using var patience = new CancellationTokenSource(AnswerTimeMax);
            while (true)
            {
                patience.Token.ThrowIfCancellationRequested();
                if (await StatusAsync(servers.Node.Address, token, "GET /v1/cluster", "", "") == "200")
                    return;
            }
        }
        finally
        {
            idle.ForEach(socket => socket.Dispose());
        }
    }

    private static string Json(string body) => $"Content-Type: application/json\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n";

    internal static async Task<TcpClient> SendAsync(Uri server, string token, string line, string headers, string body)
    {
        var socket = new TcpClient { NoDelay = true };
        await socket.ConnectAsync(server.Host, server.Port);
        var version = line.Contains(" HTTP/", StringComparison.Ordinal) ? "" : " HTTP/1.1";
        var text = $"{line}{version}\r\nHost: {server.Authority}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n{headers.Replace("TOKEN", token, StringComparison.Ordinal)}\r\n{body}";
        await socket.GetStream().WriteAsync(Encoding.Latin1.GetBytes(text));
        return socket;
    }

    /// <returns>Null when the connection was ended without an answer.</returns>
    internal static async Task<string?> StatusAsync(Uri server, string token, string line, string headers, string body)
    {
        using var patience = new CancellationTokenSource(AnswerTimeMax);
        try
        {
            using var socket = await SendAsync(server, token, line, headers, body);
            using var reader = new StreamReader(socket.GetStream());
            var first = await reader.ReadLineAsync(patience.Token);
            return first?.Split(' ')[1];
        }
        catch (IOException)
        {
            return null;
        }
    }
}
