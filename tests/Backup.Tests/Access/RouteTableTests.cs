using System.Net;
using System.Net.Http.Json;
using System.Text;
using Backup.Manager.Access;
using Backup.Protocol;
using Backup.ServiceDefaults;
using Backup.Tests.Client;
using Backup.Tests.Manager;
using Backup.WebConsole;
using Backup.WebConsole.SigningIn;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.StaticAssets;
using Microsoft.Extensions.DependencyInjection;
using Xunit.Abstractions;

namespace Backup.Tests.Access;

/// <summary>Every route of every server, as its table has them, with every credential there is: who gets in is what the route says.</summary>
[Collection(OnGarnet.Name)]
public sealed class RouteTableTests(GarnetFixture fixture, ITestOutputHelper output)
{
    /// <summary>What the framework adds for assets that are not in its list: nobody has told it anything, so it is closed, and may be.</summary>
    private const string ClosedFallback = "{**path:file}";

    /// <summary>Another one here is a decision. Of the console it is the way to its sign-in page, and that page; of its assets see below.</summary>
    private static readonly string[] OpenToAll = [Defaults.HealthPath, Defaults.AlivePath, "/", SignIn.Path, SignIn.OutPath];

    [Fact]
    public async Task Each_route_lets_in_who_has_what_it_demands_and_nobody_else()
    {
        await using var servers = await Servers.StartAsync(fixture, SecurityOptions.Invitation);
        var wrong = new List<string>();
        foreach (var (name, server) in servers.All)
        {
            var credentials = await Credential.AllAsync(servers.Tokens, name);
            // The day of the token that expires has passed, by the manager's clock; the servers' own caches have seen nothing yet.
            await servers.ExpireAsync();
            output.WriteLine($"{name,-45} {"demands",-8} {string.Join(' ', credentials.Select(c => $"{c.Name,13}"))}");
            foreach (var (method, pattern, endpoint) in server.RouteTable().OrderBy(route => route.Pattern, StringComparer.Ordinal))
            {
                var demanded = endpoint.Metadata.GetMetadata<Demanded>()?.Scope ?? Scope.None;
                var isOpen = endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null;
                var isPage = endpoint.Metadata.GetMetadata<SignInDemanded>() is not null;
                // The console's styles and scripts: files of the program, the same for everybody. Some thirty, of which one row is enough.
                if (endpoint.Metadata.GetMetadata<StaticAssetDescriptor>() is not null && isOpen)
                    continue;
                Assert.Equal(OpenToAll.Contains(TrimmedPattern(pattern)), isOpen);
                Assert.True(isOpen || isPage || demanded != Scope.None || pattern == ClosedFallback, $"{method} {pattern} demands nothing, so nobody gets in.");
                var row = new StringBuilder();
                foreach (var credential in credentials)
                {
                    var status = await AskAsync(server, method, pattern, credential, demanded);
                    // Who has not signed in is sent from a page to the sign-in page.
                    var letIn = status is not (HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden) && !(isPage && status == HttpStatusCode.Redirect);
                    row.Append($"{(int)status,14}");
                    if (pattern != ClosedFallback && letIn != (isOpen ? letIn : !isPage && credential.Opens(demanded)))
                        wrong.Add($"{name} {method} {pattern} demands '{demanded.Text()}' and answers {(int)status} to: {credential.Name}");
                }
                Assert.True(pattern != ClosedFallback || row.ToString().Split(' ', StringSplitOptions.RemoveEmptyEntries).All(status => status[0] == '4'));
                output.WriteLine($"{$"{method} {pattern}",-45} {(isOpen ? "nothing" : isPage ? "sign-in" : demanded.Text()),-8}{row}");
            }
        }
        Assert.Empty(wrong);
    }

    [Fact]
    public async Task What_is_no_route_or_demands_nothing_is_open_to_nobody()
    {
        await using var servers = await Servers.StartAsync(fixture, SecurityOptions.Invitation);
        var token = await Credential.EnrolAsync(servers.Tokens, ClientId.New(), Scopes.OfTokens);
        foreach (var (_, server) in servers.All)
        {
            using var nobody = new HttpClient { BaseAddress = server.Address };
            using var somebody = new HttpClient(new ShowsProof(Shown.Token(token), new SocketsHttpHandler())) { BaseAddress = server.Address };
            foreach (var path in new[] { "/", "/v1/no-such-thing", "/v1/place/", "//v1/place", "/v1/../v1/cluster", "/metrics", "/swagger" })
                Assert.Equal(HttpStatusCode.Unauthorized, (await nobody.GetAsync(new Uri(server.Address.OriginalString + path))).StatusCode);
            Assert.Equal(HttpStatusCode.NotFound, (await somebody.GetAsync("/v1/no-such-thing")).StatusCode);
        }
    }

    /// <summary>The reason for the fallback policy: nobody has to remember anything for a new route to be closed.</summary>
    [Fact]
    public async Task A_route_that_somebody_forgot_to_close_is_closed()
    {
        var builder = WebApplication.CreateBuilder(["--urls=http://127.0.0.1:0", "--Security:Enrolment=loopback"]);
        builder.WebHost.UseKestrel();
        builder.AddTestAccess("n1");
        await using var app = builder.Build();
        app.UseFailureResponses("n1");
        app.UseAccess();
        app.MapGet("/forgotten", () => "secret");
        app.MapGet("/vague", () => "secret").RequireAuthorization();
        app.MapGet("/said", () => "hello").Demand(Scope.List);
        await app.StartAsync();
        var address = new Uri(app.Urls.Single());
        using var peer = new HttpClient(new ShowsProof(ManagerProcess.AsPeerTo("n1"), new SocketsHttpHandler())) { BaseAddress = address };
        using var guest = new HttpClient { BaseAddress = address };
        foreach (var http in new[] { peer, guest })
        {
            Assert.Equal(HttpStatusCode.Forbidden, (await http.GetAsync("/forgotten")).StatusCode);
            Assert.Equal(HttpStatusCode.Forbidden, (await http.GetAsync("/vague")).StatusCode);
            Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/said")).StatusCode);
        }
    }

    [Fact]
    public async Task A_grant_opens_once()
    {
        await using var servers = await Servers.StartAsync(fixture, SecurityOptions.Invitation);
        using var http = new HttpClient { BaseAddress = servers.Manager.Address };
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(servers.Manager.Address, Routes.Cluster));
        var grant = Grant.Sign(ClusterKey.Parse(ManagerProcess.KeyText), "n9", Grant.Manager, GrantedRequest.Of(request), TimeProvider.System.GetUtcNow());
        foreach (var expected in new[] { HttpStatusCode.OK, HttpStatusCode.Unauthorized })
        {
            using var again = new HttpRequestMessage(HttpMethod.Get, Routes.Cluster);
            again.Headers.Authorization = new("Grant", grant.ToString());
            using var answer = await http.SendAsync(again);
            Assert.Equal(expected, answer.StatusCode);
        }
    }

    [Fact]
    public async Task Loopback_opens_its_own_door_and_no_other()
    {
        await using var servers = await Servers.StartAsync(fixture, SecurityOptions.Loopback);
        foreach (var (_, server) in servers.All)
        {
            foreach (var (_, pattern, endpoint) in server.RouteTable().Where(route => route.Endpoint.Metadata.GetMetadata<Demanded>()?.Scope == Scope.Peer))
                Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(server, endpoint.Metadata.GetMetadata<Microsoft.AspNetCore.Routing.HttpMethodMetadata>()!.HttpMethods[0], pattern));
            Assert.Equal(HttpStatusCode.OK, await StatusAsync(server, "GET", Routes.Cluster));
            // Nobody acts for a client without its token, whatever he says about himself.
            Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(server, "GET", Routes.Snapshots, (Headers.Client, ClientId.New().ToString())));
            Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(server, "GET", Routes.Cluster, ("Host", "evil.example:7101")));
            Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(server, "GET", Routes.Cluster, ("Authorization", "Basic Og==")));
        }
    }

    [Fact]
    public async Task Whom_a_request_says_it_comes_from_changes_nothing()
    {
        await using var servers = await Servers.StartAsync(fixture, SecurityOptions.Invitation);
        (string, string)[] forged =
        [
            ("X-Forwarded-For", "127.0.0.1"), ("Forwarded", "for=127.0.0.1"), ("X-Real-IP", "127.0.0.1"), ("X-HTTP-Method-Override", "GET"), ("Backup-Peer", "n1"),
            ("Backup-Issuer", "manager"), ("X-Original-URL", Defaults.HealthPath), ("X-Rewrite-URL", Defaults.HealthPath), (Headers.Nodes, "n1"), (Headers.Epoch, "999"),
        ];
        foreach (var (_, server) in servers.All)
        {
            foreach (var header in forged)
                Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(server, "GET", Routes.Cluster, header));
        }
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(servers.Node, "PUT", Routes.ReplicaSegments, forged));
    }

    [Fact]
    public async Task A_token_that_cannot_delete_does_not_delete_by_another_name()
    {
        await using var servers = await Servers.StartAsync(fixture, SecurityOptions.Invitation);
        var client = ClientId.New();
        var token = await Credential.EnrolAsync(servers.Tokens, client, Scope.Append | Scope.List);
        var node = Clients.Create<INode>(servers.Node.Address, "n1", proof: Shown.Token(token));
        var tombstone = new PlaceRequest("op", [new PlaceFile(RootedPath.Parse("x"), VersionKind.Tombstone, 0)]);
        await ManagersOnRedis.FailsAsync(FailureCode.Forbidden, () => node.PlaceAsync(client, tombstone, default));
        await ManagersOnRedis.FailsAsync(FailureCode.Forbidden, () => node.CommitAsync(client,
            new CommitRequest("op", [new CommitFile(RootedPath.Parse("x"), 1, VersionKind.Tombstone, 0, default, 0, 0, [NodeId.Parse("n1")])]), default));
        await ManagersOnRedis.FailsAsync(FailureCode.Forbidden, () => node.RetainAsync(client, new RetentionRequest(new RetentionPolicy(Last: 1), Apply: true), default));
        await node.RetainAsync(client, new RetentionRequest(new RetentionPolicy(Last: 1), Apply: false), default);
    }

    [Fact]
    public async Task A_client_learns_of_its_own_runs_and_alarms_and_an_operator_of_all()
    {
        await using var servers = await Servers.StartAsync(fixture, SecurityOptions.Invitation);
        var (one, other) = (ClientId.New(), ClientId.New());
        var nodes = new Dictionary<ClientId, INode>();
        foreach (var client in new[] { one, other })
        {
            nodes[client] = Clients.Create<INode>(servers.Node.Address, "n1", proof: Shown.Token(await Credential.EnrolAsync(servers.Tokens, client, Scope.Append | Scope.List)));
            await nodes[client].ReportRunAsync(client, ClientRunsTests.Drill(good: 9, bad: 1), default);
        }
        Assert.Equal(one, Assert.Single((await nodes[one].ClientsAsync(default)).Clients).Client);
        Assert.Equal([one.ToString()], (await nodes[one].EventsAsync(new EventsRequest(0, 100), default)).Events.Where(e => e.Kind == EventKind.CopyDamaged).Select(e => e.Subject));
        Assert.Single((await nodes[one].DrillsAsync(one, default)).Runs);
        await Assert.ThrowsAsync<FailureException>(() => nodes[one].DrillsAsync(other, default));
        await ManagersOnRedis.FailsAsync(FailureCode.Forbidden, () => nodes[one].FineAsync(new FineRequest(one), default));
        var keeper = Clients.Create<INode>(servers.Node.Address, "n1", proof: Shown.Token(await Credential.EnrolAsync(servers.Tokens, ClientId.New(), Scope.Admin | Scope.List)));
        Assert.Equal(2, (await keeper.ClientsAsync(default)).Clients.Length);
        Assert.Equal(2, (await keeper.EventsAsync(new EventsRequest(0, 100), default)).Events.Count(e => e.Kind == EventKind.CopyDamaged));

        // Who can read only tells of his drills, and not that a backup came.
        var third = ClientId.New();
        var reader = Clients.Create<INode>(servers.Node.Address, "n1", proof: Shown.Token(await Credential.EnrolAsync(servers.Tokens, third, Scope.Read | Scope.List)));
        await reader.ReportRunAsync(third, ClientRunsTests.Drill(good: 9, bad: 0), default);
        await ManagersOnRedis.FailsAsync(FailureCode.Forbidden, () => reader.ReportRunAsync(third, ClientRunsTests.Backup(10, 0), default));
    }

    private static string TrimmedPattern(string pattern) => pattern == "/" ? pattern : pattern.TrimEnd('/');

    private static async Task<HttpStatusCode> AskAsync(ServerInProcess server, string method, string pattern, Credential credential, Scope demanded)
    {
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(server.Address, pattern.Replace("{**path}", "a/b").Replace(ClosedFallback, "a.js")));
        if (method != "GET")
            request.Content = JsonContent.Create(new object());
        credential.Show(request, demanded);
        using var answer = await http.SendAsync(request);
        if (!answer.IsSuccessStatusCode && demanded != Scope.None)
            Assert.Equal(FailureBody.MediaType, answer.Content.Headers.ContentType?.MediaType);
        return answer.StatusCode;
    }

    private static async Task<HttpStatusCode> StatusAsync(ServerInProcess server, string method, string pattern, params (string Name, string Value)[] headers)
    {
        using var http = new HttpClient { BaseAddress = server.Address };
        using var request = new HttpRequestMessage(new HttpMethod(method), pattern);
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        using var answer = await http.SendAsync(request);
        return answer.StatusCode;
    }

    /// <summary>A manager and a node, on the shared Redis.</summary>
    internal sealed class Servers : IAsyncDisposable
    {
        private readonly TempFolder folder = new();
        private ManagersOnRedis redis = null!;

        public ServerInProcess Manager { get; private set; } = null!;

        public ServerInProcess Node { get; private set; } = null!;

        public Tokens Tokens => Manager.Services.GetRequiredService<Tokens>();

        public (string, ServerInProcess)[] All => [(Grant.Manager, Manager), ("n1", Node)];

        public static async Task<Servers> StartAsync(GarnetFixture fixture, string enrolment, params string[] more)
        {
            var servers = new Servers { redis = await ManagersOnRedis.StartAsync(fixture) };
            servers.Manager = await ServerInProcess.ManagerAsync((await fixture.ServerAsync()).ConnectionString, enrolment, more);
            servers.Node = await ServerInProcess.NodeAsync("n1", servers.folder.Folder("n1"), servers.Manager.Address, enrolment);
            return servers;
        }

        /// <summary>Puts the end of every token that has one into the past, as a day of waiting would.</summary>
        public async Task ExpireAsync()
        {
            foreach (var key in redis.Redis.GetServers()[0].Keys(pattern: "tokens:*"))
            {
                foreach (var token in await redis.Database.HashGetAllAsync(key))
                {
                    var fields = ((string)token.Value!).Split(' ');
                    if (fields[2] != "-")
                        await redis.Database.HashSetAsync(key, token.Name, $"{fields[0]} {fields[1]} {fields[1]} {fields[3]}");
                }
            }
        }

        public async ValueTask DisposeAsync()
        {
            await Node.DisposeAsync();
            await Manager.DisposeAsync();
            await redis.DisposeAsync();
            folder.Dispose();
        }
    }
}
