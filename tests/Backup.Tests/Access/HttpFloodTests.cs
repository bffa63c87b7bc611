using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Backup.Protocol;
using Backup.ServiceDefaults;
using Backup.Tests.Manager;
using static Backup.Tests.Access.HttpInputTests;

namespace Backup.Tests.Access;

/// <summary>Too much, too many, too slow: what a sender or a reader can cost a real node ends, and the others are served.</summary>
[Collection(OnGarnet.Name)]
public sealed class HttpFloodTests(GarnetFixture fixture) : IAsyncLifetime
{
    /// <summary>Slow ones are given ten seconds; the rest is for a busy machine.</summary>
    private static readonly TimeSpan PatienceMax = TimeSpan.FromMinutes(2);

    private RouteTableTests.Servers servers = null!;
    private string token = "";

    private Uri Node => servers.Node.Address;

    public async Task InitializeAsync()
    {
        servers = await RouteTableTests.Servers.StartAsync(fixture, SecurityOptions.Invitation, "--Cluster:Copies=1");
        token = (await Credential.EnrolAsync(servers.Tokens, ClientId.New(), Scopes.OfTokens)).Reveal();
    }

    public async Task DisposeAsync() => await servers.DisposeAsync();

    /// <summary>No route cuts ranges out of a file: what asks for thousands of them gets the file once, or is too large a request.</summary>
    [Fact]
    public async Task Thousands_of_ranges_are_answered_with_the_file_once_or_refused()
    {
        Assert.Equal("201", await StatusAsync(Node, token, "PUT /files/f", "Content-Length: 5\r\n", "hello"));
        using var http = new HttpClient { BaseAddress = Node };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        foreach (var (ranges, status) in new[]
        {
            (string.Join(',', Enumerable.Repeat("0-4", 2_000)), HttpStatusCode.OK),
            (string.Join(',', Enumerable.Repeat("0-", 10_000)), HttpStatusCode.RequestHeaderFieldsTooLarge),
            ("0-18446744073709551616", HttpStatusCode.OK), ("4-1", HttpStatusCode.OK), ("-9223372036854775808", HttpStatusCode.OK), ("99999-", HttpStatusCode.OK),
        })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/files/f");
            request.Headers.TryAddWithoutValidation("Range", "bytes=" + ranges);
            using var answer = await http.SendAsync(request);
            Assert.Equal(status, answer.StatusCode);
            if (status == HttpStatusCode.OK)
                Assert.Equal("hello", await answer.Content.ReadAsStringAsync());
        }
    }

    /// <summary>HTTP/2 is off, in the clear and over TLS (TlsTests looks at what that agrees on): there are no streams to reset.</summary>
    [Fact]
    public async Task Streams_that_are_opened_and_reset_by_the_thousand_are_no_HTTP_here()
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(Node.Host, Node.Port);
        var rapid = new MemoryStream();
        rapid.Write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8);
        rapid.Write([0, 0, 0, 4, 0, 0, 0, 0, 0]); // SETTINGS
        for (var stream = 1; stream < 20_000; stream += 2)
        {
            byte[] number = [(byte)(stream >> 24), (byte)(stream >> 16), (byte)(stream >> 8), (byte)stream];
            // HEADERS with :method GET, :scheme http, :path /; then RST_STREAM, CANCEL.
            rapid.Write([0, 0, 3, 1, 5, .. number, 0x82, 0x86, 0x84, 0, 0, 4, 3, 0, .. number, 0, 0, 0, 8]);
        }
        try
        {
            await socket.GetStream().WriteAsync(rapid.ToArray());
        }
        catch (IOException)
        {
            // Ended while we were still writing.
        }
        Assert.Equal("200", await StatusAsync(Node, token, "GET /v1/cluster", "", ""));
        // It is told in a few bytes that this is not spoken here, and the connection ends.
        Assert.InRange(await ReadToEndAsync(socket), 0, 1_000);
    }

    [Fact]
    public async Task Who_sends_a_few_bytes_a_second_is_cut_off()
    {
        using var patience = new CancellationTokenSource(PatienceMax);
        using var socket = await SendAsync(Node, token, "PUT /files/slow", "Content-Length: 1000000\r\n", "");
        var answer = FirstLineAsync(socket, patience.Token);
        while (!answer.IsCompleted)
        {
            try
            {
                await socket.GetStream().WriteAsync("x"u8.ToArray(), patience.Token);
            }
            catch (IOException)
            {
                // Cut off.
                break;
            }
            await Task.WhenAny(answer, Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, patience.Token));
            patience.Token.ThrowIfCancellationRequested();
        }
        // A failure like any other, or the end of the connection.
        Assert.StartsWith("HTTP/1.1 4", await answer ?? "HTTP/1.1 4");
        Assert.Equal("404", await StatusAsync(Node, token, "GET /files/slow", "", ""));
        Assert.Equal("200", await StatusAsync(Node, token, "GET /v1/cluster", "", ""));
    }

    /// <summary>A node waits two minutes until a piece is taken.</summary>
    [SkippableFact]
    public async Task Who_does_not_read_what_he_asked_for_is_cut_off()
    {
        Skip.If(Environment.GetEnvironmentVariable("BACKUP_LONG_TESTS") is null, "BACKUP_LONG_TESTS is not set.");
        var content = new byte[64 << 20];
        new Random(1).NextBytes(content);
        using (var http = new HttpClient { BaseAddress = Node })
        {
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
            (await http.PutAsync("/files/large", new ByteArrayContent(content))).EnsureSuccessStatusCode();
        }
        // Whatever the buffers on the way hold is soon full. On a machine that is very busy the node may be late to notice.
        foreach (var silence in new[] { 140, 300 })
        {
            using var socket = await SendAsync(Node, token, "GET /files/large", "", "");
            await Task.Delay(TimeSpan.FromSeconds(silence), TimeProvider.System);
            if (await ReadToEndAsync(socket) < content.Length)
                return;
        }
        Assert.Fail("A reader that did not read was waited for.");
    }

    /// <summary>Those beyond the bound are ended as they come; when the flood is over, all is as before.</summary>
    [Fact]
    public async Task Thousands_of_connections_are_held_to_a_bound()
    {
        var flood = new List<TcpClient>();
        try
        {
            for (var i = 0; i < 3_000; i++)
            {
                var socket = new TcpClient();
                flood.Add(socket);
                await socket.ConnectAsync(Node.Host, Node.Port);
            }
            using var patience = new CancellationTokenSource(PatienceMax);
            // The bound is 256.
            while (flood.Count(IsOpen) > 256)
                await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, patience.Token);
        }
        finally
        {
            flood.ForEach(socket => socket.Dispose());
        }
        using var again = new CancellationTokenSource(PatienceMax);
        while (await StatusAsync(Node, token, "GET /v1/cluster", "", "") != "200")
            again.Token.ThrowIfCancellationRequested();

        static bool IsOpen(TcpClient socket) => !(socket.Client.Poll(0, SelectMode.SelectRead) && socket.Client.Available == 0);
    }

    /// <returns>How many bytes came before the connection ended.</returns>
    private static async Task<long> ReadToEndAsync(TcpClient socket)
    {
        using var patience = new CancellationTokenSource(PatienceMax);
        var (read, buffer) = (0L, new byte[1 << 16]);
        try
        {
            for (int got; (got = await socket.GetStream().ReadAsync(buffer, patience.Token)) > 0;)
                read += got;
        }
        catch (IOException)
        {
            // Reset.
        }
        return read;
    }

    private static async Task<string?> FirstLineAsync(TcpClient socket, CancellationToken ct)
    {
        try
        {
            return await new StreamReader(socket.GetStream()).ReadLineAsync(ct);
        }
        catch (IOException)
        {
            return null;
        }
    }
}
