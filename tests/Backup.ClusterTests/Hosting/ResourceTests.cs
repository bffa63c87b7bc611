using System.Net;

namespace Backup.ClusterTests.Hosting;

/// <summary>The cluster's processes start, stop, crash and come back one by one.</summary>
[Collection(ClusterCollection.Name)]
public sealed class ResourceTests(ClusterFixture fixture)
{
    private readonly RunningCluster cluster = fixture.Cluster;

    [Fact]
    public async Task EveryServerIsHealthyAndAlive()
    {
        foreach (var server in cluster.Resources.Where(name => name != "redis"))
        {
            using var http = cluster.App.CreateHttpClient(server, "http");
            Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/health")).StatusCode);
            Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/alive")).StatusCode);
        }
    }

    [Fact]
    public async Task EveryNodeHasADirectoryOfItsOwn()
    {
        await cluster.WaitUntilHealthyAsync([.. cluster.Resources]);
        Assert.Equal(
            ["node-1", "node-2", "node-3", "node-4", "redis"],
            Directory.EnumerateDirectories(cluster.DataDirectory).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task AStoppedNodeRefusesAndComesBack()
    {
        await cluster.StopAsync("node-3");
        // Refused at once: whoever asks can turn to another node. A proxy in between would let it wait.
        using var http = new HttpClient { BaseAddress = cluster.NodeAddress(3), Timeout = TimeSpan.FromSeconds(5) };
        var refused = await Assert.ThrowsAsync<HttpRequestException>(() => http.GetAsync("/alive"));
        Assert.Equal(HttpRequestError.ConnectionError, refused.HttpRequestError);

        await cluster.StartAgainAsync("node-3");
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/alive")).StatusCode);
    }

    [Fact]
    public async Task AKilledNodeIsKnownToHaveEndedAndComesBack()
    {
        var before = await cluster.ProcessIdAsync("node-2");
        await cluster.KillAsync("node-2");
        await cluster.StartAgainAsync("node-2");
        Assert.NotEqual(before, await cluster.ProcessIdAsync("node-2"));
    }
}
