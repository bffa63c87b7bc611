using System.Net;
using Backup.Manager.Access;
using Backup.Protocol;
using Backup.ServiceDefaults;
using Backup.Tests.Manager;
using Microsoft.Extensions.DependencyInjection;

namespace Backup.Tests.Access;

/// <summary>A client that asks without end is told to wait, and another one is not kept waiting for it.</summary>
[Collection(OnGarnet.Name)]
public sealed class RateTests(GarnetFixture fixture)
{
    [Fact]
    public async Task A_client_that_asks_too_much_waits_and_nobody_else_does()
    {
        await using var redis = await ManagersOnRedis.StartAsync(fixture);
        await using var manager = await ServerInProcess.ManagerAsync((await fixture.ServerAsync()).ConnectionString, SecurityOptions.Invitation, "--Security:RequestsPerSecond=5");
        var tokens = manager.Services.GetRequiredService<Tokens>();
        var (wild, calm) = (await Credential.EnrolAsync(tokens, ClientId.New(), Scope.List), await Credential.EnrolAsync(tokens, ClientId.New(), Scope.List));
        using var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 20 }) { BaseAddress = manager.Address };
        var answers = await Task.WhenAll(Enumerable.Range(0, 300).Select(_ => AskAsync(http, wild)));
        Assert.Contains(answers, answer => answer.Status == HttpStatusCode.OK);
        var refused = answers.Where(answer => answer.Status != HttpStatusCode.OK).ToList();
        Assert.NotEmpty(refused);
        Assert.All(refused, answer => Assert.Equal((HttpStatusCode.ServiceUnavailable, "1"), answer));
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(http, calm)).Status);
    }

    private static async Task<(HttpStatusCode Status, string? RetryAfter)> AskAsync(HttpClient http, AccessToken token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Routes.Cluster);
        request.Headers.Authorization = new("Bearer", token.Reveal());
        using var answer = await http.SendAsync(request);
        return (answer.StatusCode, answer.Headers.RetryAfter?.ToString());
    }
}
