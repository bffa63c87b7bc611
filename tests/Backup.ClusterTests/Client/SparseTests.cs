using Backup.Client;

namespace Backup.ClusterTests.Client;

/// <summary>A file with holes is read as what it reads as: zeros, which are one chunk that is stored once.</summary>
[Collection(ClusterCollection.Name)]
public sealed class SparseTests(ClusterFixture fixture)
{
    private const long SizeBytes = 1L << 30;

    [Fact]
    public async Task Holes_are_zeros_that_cost_reading_and_nothing_else()
    {
        using var machine = new ClientMachine(fixture.Cluster);
        using (var file = File.OpenHandle(machine.Write("sparse", ""), FileMode.Open, FileAccess.Write))
            RandomAccess.Write(file, "end"u8, SizeBytes - 3);
        var backup = (await machine.RunAsync("backup", "--json")).Expect(ExitCode.Done).Json;
        Assert.Equal(SizeBytes, backup.GetProperty("bytesRead").GetInt64());
        Assert.InRange(backup.GetProperty("bytesSent").GetInt64(), 1, 4 << 20);
        var stored = (await machine.RunAsync("list", "--json")).Expect(ExitCode.Done).Json;
        Assert.Equal(SizeBytes, stored.GetProperty("sizeBytes").GetInt64());
    }
}
