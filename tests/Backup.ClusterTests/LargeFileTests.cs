using Backup.Protocol;

namespace Backup.ClusterTests;

/// <summary>Large files in bounded memory, on every process they pass.</summary>
[Collection(ClusterCollection.Name)]
public class LargeFileTests(ClusterFixture fixture)
{
    private readonly RunningCluster cluster = fixture.Cluster;

    /// <summary>Each node, the manager and the client stay below this, whatever the size of the file.</summary>
    private const long ResidentBytesMax = 300L << 20;

    [LongFact, Trait("Runs", "long")]
    public Task A_file_of_1_GiB_passes_in_bounded_memory() => PassesAsync(1L << 30);

    [LongFact]
    public Task A_file_of_5_GiB_passes_in_bounded_memory() => PassesAsync(5L << 30);

    private async Task PassesAsync(long sizeBytes)
    {
        var connection = cluster.Connect(ClientId.New());
        var receipt = await connection.UploadAsync(Transfers.File("large.bin", seed: 77, sizeBytes));
        var version = (await connection.LookupAsync("large.bin"))!;
        Assert.Equal(sizeBytes, version.SizeBytes);
        foreach (var holder in receipt.Nodes)
            await connection.RestoreFromAsync(version, holder, seed: 77);
        foreach (var (name, peakBytes) in await cluster.PeakResidentBytesAsync())
            Assert.True(peakBytes < ResidentBytesMax, $"{name} had {peakBytes >> 20} MiB resident at its peak.");
    }
}
