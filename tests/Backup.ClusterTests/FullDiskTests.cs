using System.Diagnostics;
using Backup.Protocol;
using Backup.Tests;

namespace Backup.ClusterTests;

/// <summary>A node whose disk somebody else has filled to the last byte, on a file system of its own (root mounts it).</summary>
public sealed class FullDiskTests
{
    [LongFact, Trait("Runs", "long")]
    public async Task A_node_killed_on_a_full_disk_starts_serves_and_takes_files_when_there_is_space_again()
    {
        SmallDisk.SkipUnlessRoot();
        var directory = Directory.CreateTempSubdirectory("backup-full-").FullName;
        var disk = Directory.CreateDirectory(Path.Combine(directory, "node-2")).FullName;
        await SmallDisk.MountAsync(disk);
        try
        {
            await using var cluster = await RunningCluster.StartAsync(directory, nodes: 2, "--Node:ReserveBytes=4000000");
            var connection = cluster.Connect(ClientId.New());
            await connection.UploadAsync(Enumerable.Range(0, 20).Select(i => Transfers.File($"before/{i}", i, 500_000)));
            await cluster.KillAsync("node-2");
            var filler = Path.Combine(disk, "filler");
            SmallDisk.Fill(filler);

            await cluster.StartAgainAsync("node-2");
            for (var i = 0; i < 20; i++)
                await connection.RestoreFromAsync((await connection.LookupAsync($"before/{i}"))!, NodeId.Parse("node-2"), i);
            Assert.Equal(FailureCode.NotEnoughNodes, await TryUploadAsync(connection, Transfers.File("refused", 1, 500_000)));

            File.Delete(filler);
            await TakesFilesAsync(connection);
            await connection.RestoreFromAsync((await connection.LookupAsync("after"))!, NodeId.Parse("node-2"), 2);
        }
        finally
        {
            await SmallDisk.UnmountAsync(disk);
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>The node says with its next heartbeat that it has space again.</summary>
    private static async Task TakesFilesAsync(ClusterConnection connection)
    {
        for (var started = Stopwatch.StartNew(); await TryUploadAsync(connection, Transfers.File("after", 2, 500_000)) is { } refused;)
        {
            Assert.True(started.Elapsed < RunningCluster.PatienceMax, $"It is still refused: {refused}");
            await Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System);
        }
    }

    /// <returns>Why it was refused, or null.</returns>
    private static async Task<FailureCode?> TryUploadAsync(ClusterConnection connection, SourceFile file)
    {
        try
        {
            await foreach (var result in new Uploader(connection, new TransferCounters()).UploadAsync([file], default))
                return result.Failure?.Code;
        }
        catch (FailureException e)
        {
            return e.Failure.Code;
        }
        throw new InvalidOperationException("Nothing was said of the file.");
    }
}
