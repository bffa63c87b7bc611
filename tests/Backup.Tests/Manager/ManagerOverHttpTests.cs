using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using Backup.Protocol;
using static Backup.Tests.Manager.ManagersOnRedis;

namespace Backup.Tests.Manager;

/// <summary>Managers as processes, over the wire.</summary>
[Collection(OnGarnet.Name)]
public sealed class ManagerOverHttpTests(GarnetFixture fixture)
{
    [Fact]
    public async Task A_manager_may_be_killed_and_another_goes_on()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        var redis = (await fixture.ServerAsync()).Address;
        await using var first = await ManagerProcess.StartAsync(redis);
        await using var second = await ManagerProcess.StartAsync(redis);
        RegisterRequest[] nodes = [.. new[] { "n1", "n2" }.Select(id => new RegisterRequest(Node(id), Address(id), Guid.NewGuid(), null, new NodeSpace(Gigabyte, Gigabyte, 0)))];
        foreach (var node in nodes)
            await first.Client().RegisterAsync(node, default);
        var placed = await first.Client().PlaceAsync(cluster.Client, new PlaceRequest("a", [new PlaceFile(Path("ü/x"), VersionKind.File, 1)]), default);
        await first.KillAsync();
        var failure = await FailsAsync(FailureCode.ManagerUnreachable, () => first.Client().ClusterAsync(default));
        Assert.True(failure.IsTransient);

        await CommitAsync(second.Client(), cluster.Client, placed, ["ü/x"]);
        var page = await second.Client().ListAsync(cluster.Client, new ListRequest("ü", null, 10), default);
        Assert.Equal("ü/x", Assert.Single(page.Files).Path.Value);
        // Their leases may have lapsed on a busy machine: they send no heartbeats here.
        foreach (var node in nodes)
            await second.Client().RegisterAsync(node, default);
        Assert.True((await second.Client().ClusterAsync(default)).Healthy);
        await FailsAsync(FailureCode.NotFound, () => second.Client().PlaceAsync(cluster.Client, new PlaceRequest("b", [new PlaceFile(Path("y"), VersionKind.Tombstone, 0)]), default));
    }

    [Fact]
    public async Task Bodies_that_do_not_fit_are_answered_with_what_is_wrong()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await using var manager = await ManagerProcess.StartAsync((await fixture.ServerAsync()).Address);
        using var http = new HttpClient(new ShowsProof(ManagerProcess.AsNode, new SocketsHttpHandler())) { BaseAddress = manager.Address };
        var client = cluster.Client.ToString();
        (string Route, string Body, FailureCode Code)[] cases =
        [
            (Routes.Place, "", FailureCode.InvalidRequest),
            (Routes.Place, "{", FailureCode.InvalidRequest),
            (Routes.Place, "null", FailureCode.InvalidRequest),
            (Routes.Place, "{}", FailureCode.InvalidRequest),
            (Routes.Place, """{"operation":"a","operation":"b","files":[]}""", FailureCode.InvalidRequest),
            (Routes.Place, """{"operation":"a","files":[null]}""", FailureCode.InvalidRequest),
            (Routes.Place, """{"operation":"a","files":[{"path":"../x","kind":"File","sizeBytes":1}]}""", FailureCode.InvalidPath),
            (Routes.Place, """{"operation":"a","files":[{"path":"a\u0000b","kind":"File","sizeBytes":1}]}""", FailureCode.InvalidPath),
            (Routes.Place, """{"operation":"a","files":[{"path":"\ud800","kind":"File","sizeBytes":1}]}""", FailureCode.InvalidRequest),
            (Routes.Place, """{"operation":"a","files":[{"path":"x","kind":"Fifo","sizeBytes":1}]}""", FailureCode.InvalidRequest),
            (Routes.Place, """{"operation":"a","files":[{"path":"x","kind":"File","sizeBytes":1e99}]}""", FailureCode.InvalidRequest),
            (Routes.Place, string.Concat(Enumerable.Repeat("[", 5000)), FailureCode.InvalidRequest),
            (Routes.Register, """{"id":"n1"}""", FailureCode.InvalidRequest),
            (Routes.Register, """{"id":"N 1","address":"http://x","incarnation":"6f9619ff-8b86-d011-b42d-00c04fc964ff","zone":null,"space":{"freeBytes":1,"totalBytes":1,"storedBytes":0}}""", FailureCode.InvalidRequest),
        ];
        foreach (var (route, body, code) in cases)
            Assert.Equal((route, body, code), (route, body, (await PostAsync(http, route, body, client)).Code));
        const string list = """{"prefix":"","after":null,"limit":10}""";
        Assert.Equal(FailureCode.Unauthorized, (await PostAsync(http, Routes.List, list, null)).Code);
        Assert.Equal(FailureCode.Unauthorized, (await PostAsync(http, Routes.List, list, "0")).Code);
    }

    [Theory]
    [InlineData(null, "", "ConnectionStrings:redis")]
    [InlineData("127.0.0.1:9", "9", "between 1 and 5")]
    public async Task A_wrong_setting_is_one_line_and_an_exit_code(string? redis, string copies, string says)
    {
        using var process = ManagerProcess.Run(redis, "http://127.0.0.1:0", ("Cluster__Copies", copies == "" ? "2" : copies));
        var error = process.StandardError.ReadToEndAsync();
        _ = process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(2, process.ExitCode);
        Assert.Contains(says, Assert.Single((await error).Trim().Split('\n')));
    }

    private static async Task<FailureBody> PostAsync(HttpClient http, string route, string body, string? client)
    {
        using var content = new StringContent(body, Encoding.UTF8, MediaTypeHeaderValue.Parse("application/json"));
        using var request = new HttpRequestMessage(HttpMethod.Post, route) { Content = content };
        if (client is not null)
            request.Headers.Add(Headers.Client, client);
        using var response = await http.SendAsync(request);
        Assert.NotEqual(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.Equal(FailureBody.MediaType, response.Content.Headers.ContentType?.MediaType);
        var failure = (await response.Content.ReadFromJsonAsync(WireJson.Default.FailureBody))!;
        Assert.NotEmpty(failure.Detail);
        return failure;
    }
}
