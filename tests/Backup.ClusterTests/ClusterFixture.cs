namespace Backup.ClusterTests;

/// <summary>One cluster for all tests that leave it as they found it: every node running, and their own files only.</summary>
public sealed class ClusterFixture : IAsyncLifetime
{
    public RunningCluster Cluster { get; private set; } = null!;

    public async Task InitializeAsync() => Cluster = await RunningCluster.StartAsync();

    public async Task DisposeAsync() => await Cluster.DisposeAsync();
}

/// <summary>Marks the tests that share the cluster: <c>[Collection(ClusterCollection.Name)]</c>.</summary>
[CollectionDefinition(Name)]
public sealed class ClusterCollection : ICollectionFixture<ClusterFixture>
{
    public const string Name = "cluster";
}
