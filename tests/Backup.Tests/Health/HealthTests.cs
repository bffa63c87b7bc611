using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using Backup.Protocol;
using Backup.ServiceDefaults;
using Backup.Tests.Manager;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using static Backup.Tests.Manager.ManagersOnRedis;

namespace Backup.Tests.Health;

/// <summary>Liveness and readiness as Kubernetes and Aspire ask for them, of real processes.</summary>
[Collection(OnGarnet.Name)]
public sealed class HealthTests(GarnetFixture fixture)
{
    private static readonly HttpClient Http = new();

    [Fact]
    public async Task A_full_node_is_ready_for_reads_only_and_one_without_manager_too()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        await using var manager = await ManagerProcess.StartAsync((await fixture.ServerAsync()).Address);
        await using var free = new NodeProcess("free", manager.Address);
        // No disk has so much to spare.
        await using var full = new NodeProcess("full", manager.Address, reserveBytes: long.MaxValue / 2);

        await UntilAsync(free.Address, HttpStatusCode.OK, HealthStatus.Healthy, reads: true, writes: true);
        var said = await UntilAsync(full.Address, HttpStatusCode.OK, HealthStatus.Degraded, reads: true, writes: false);
        Assert.Contains("reserve", said.Checks.Single(check => check.Name == "disk").Description);

        // What readiness says is what happens: nobody sends it anything new.
        var failure = await FailsAsync(FailureCode.NotEnoughNodes,
            () => manager.Client().PlaceAsync(cluster.Client, new PlaceRequest("a", [new PlaceFile(Path("x"), VersionKind.File, 1)]), default));
        Assert.Contains("1 full", failure.Message);

        await manager.KillAsync();
        await UntilAsync(free.Address, HttpStatusCode.OK, HealthStatus.Degraded, reads: true, writes: false);
        Assert.Equal(HttpStatusCode.OK, (await Http.GetAsync(new Uri(free.Address, "/alive"))).StatusCode);
    }

    [Fact]
    public async Task A_node_that_never_met_a_manager_is_alive_and_not_ready()
    {
        await using var node = new NodeProcess("lonely", new Uri("http://127.0.0.1:9"));
        await UntilAsync(node.Address, HttpStatusCode.ServiceUnavailable, HealthStatus.Unhealthy, reads: false, writes: false);
        Assert.Equal(HttpStatusCode.OK, (await Http.GetAsync(new Uri(node.Address, "/alive"))).StatusCode);
    }

    [Fact]
    public async Task A_manager_without_redis_is_alive_and_not_ready_until_it_is_back()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        var server = await fixture.ServerAsync();
        await using var manager = await ManagerProcess.StartAsync(server.Address);
        await server.KillAsync();
        try
        {
            await UntilAsync(manager.Address, HttpStatusCode.ServiceUnavailable, HealthStatus.Unhealthy, reads: false, writes: false);
            Assert.Equal(HttpStatusCode.OK, (await Http.GetAsync(new Uri(manager.Address, "/alive"))).StatusCode);
        }
        finally
        {
            await server.RestartAsync();
        }
        await UntilAsync(manager.Address, HttpStatusCode.OK, HealthStatus.Healthy, reads: true, writes: true);
    }

    private static async Task<HealthBody> UntilAsync(Uri server, HttpStatusCode code, HealthStatus status, bool reads, bool writes)
    {
        var last = "nothing";
        for (var started = Stopwatch.StartNew(); started.Elapsed < TimeSpan.FromSeconds(60);)
        {
            try
            {
                using var answer = await Http.GetAsync(new Uri(server, Defaults.HealthPath));
                last = $"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}";
                if (answer.StatusCode == code && await answer.Content.ReadFromJsonAsync(HealthJson.Default.HealthBody) is { } body && body.Status == status)
                {
                    Assert.Equal((reads, writes), (body.Reads, body.Writes));
                    return body;
                }
            }
            catch (HttpRequestException e)
            {
                last = e.Message;
            }
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
        }
        throw new InvalidOperationException($"It did not become {code} {status}; last it said: {last}");
    }
}
