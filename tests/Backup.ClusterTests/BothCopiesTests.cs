using System.Collections.Concurrent;
using System.Diagnostics;
using Backup.Protocol;

namespace Backup.ClusterTests;

/// <summary>A restore reads from both copies at once, and does not wait for a node that hangs.</summary>
public class BothCopiesTests
{
    private const int Files = 200;

    [Fact]
    public async Task Many_files_come_from_two_nodes_at_once_and_from_the_other_when_one_hangs()
    {
        await using var cluster = await RunningCluster.StartAsync(null, 2);
        var client = ClientId.New();
        var connection = cluster.Connect(client);
        await connection.UploadAsync(Enumerable.Range(0, Files).Select(i => Transfers.File($"file/{i}", i, 1000 * (i % 100))));
        var versions = new List<FileVersion>();
        for (var i = 0; i < Files; i++)
            versions.Add((await connection.LookupAsync($"file/{i}"))!);
        await RestoreAllAsync(connection, versions);

        // Stopped as by SIGSTOP it takes connections and says nothing.
        var hanging = await cluster.ProcessIdAsync("node-1");
        await SignalAsync("STOP", hanging);
        try
        {
            await RestoreAllAsync(cluster.Connect(client, cluster.NodeAddress(2)), versions);
        }
        finally
        {
            await SignalAsync("CONT", hanging);
        }
    }

    private static async Task RestoreAllAsync(ClusterConnection connection, List<FileVersion> versions)
    {
        var target = new Comparing();
        await new Restorer(connection, new TransferCounters()) { NodesAtOnce = 2 }.RestoreAsync(versions, target, default);
        Assert.Empty(target.Failures);
        Assert.Equal(versions.Select(version => version.Version).Order(), target.Whole.Order());
    }

    private static async Task SignalAsync(string signal, int process)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{process}"]);
        await kill.WaitForExitAsync();
        Assert.Equal(0, kill.ExitCode);
    }

    private sealed class Comparing : IRestoreTarget
    {
        private readonly ConcurrentDictionary<long, Payload> open = new();

        public List<long> Whole { get; } = [];

        public List<Failure> Failures { get; } = [];

        public Stream? Begin(FileVersion version, ManifestHead head) =>
            open[version.Version] = new Payload(int.Parse(version.Path.Value.Split('/')[1], System.Globalization.CultureInfo.InvariantCulture), version.SizeBytes);

        public void Complete(FileVersion version, ManifestHead head)
        {
            if (open[version.Version].Position == version.SizeBytes)
                Whole.Add(version.Version);
        }

        public void Failed(FileVersion version, Failure failure) => Failures.Add(failure);
    }
}
