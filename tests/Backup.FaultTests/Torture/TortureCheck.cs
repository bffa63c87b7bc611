using Backup.ClusterTests;
using Backup.FaultTests.Simulation;
using Backup.Protocol;

namespace Backup.FaultTests.Torture;

/// <summary>I1, I3, I4, I6 and I7 of a cluster of processes that has come to rest.</summary>
/// <param name="isDamaged">Whether bits of this node were flipped: its copies may not come back, those of others must.</param>
internal sealed class TortureCheck(RunningCluster cluster, Ledger ledger, ClientId[] clients, Func<int, bool> isDamaged, Action<string> violation)
{
    private readonly Dictionary<(ClientId Client, RootedPath Path), FileVersion[]> listed = [];

    public async Task RunAsync()
    {
        foreach (var client in clients)
        {
            var connection = cluster.Connect(client);
            foreach (var path in ledger.Changes.Where(change => change.Client == client).Select(change => change.Path).Distinct())
                listed[(client, path)] = (await connection.AskAsync(node => node.VersionsAsync(client, new VersionsRequest(path), default), default)).Versions;
            await CheckListAsync(connection);
            await CheckCopiesAsync(connection);
        }
        new HistoryCheck(ledger, new Dictionary<ClientId, long[]>(), isEmptied: false, violation).Run(listed);
        await CheckLoadsAsync();
    }

    /// <summary>I7: the list is the client's own, and I6: it has what the versions say.</summary>
    private async Task CheckListAsync(ClusterConnection connection)
    {
        var found = new List<string>();
        for (string? after = null; ;)
        {
            var page = await connection.AskAsync(node => node.ListAsync(connection.Client, new ListRequest("", after, 1000), default), default);
            found.AddRange(page.Files.Select(file => $"{file.Path} {file.Version}"));
            if (page.Next is null)
                break;
            after = page.Next;
        }
        var expected = listed.Where(file => file.Key.Client == connection.Client).Select(file => file.Value.LastOrDefault())
            .Where(version => version is { Kind: not VersionKind.Tombstone }).Select(version => $"{version!.Path} {version.Version}");
        if (!expected.Order(StringComparer.Ordinal).SequenceEqual(found.Order(StringComparer.Ordinal)))
            violation($"I6: the list of {connection.Client} is not what its versions say");
    }

    private async Task CheckCopiesAsync(ClusterConnection connection)
    {
        var versions = listed.Where(file => file.Key.Client == connection.Client).SelectMany(file => file.Value).ToList();
        foreach (var version in versions.Where(version => version.Nodes.Distinct().Count() != 2 || version.CopiesOwed != 0))
            violation($"I3: version {version.Version} of {version.Path} is on {string.Join(", ", version.Nodes)} and owes {version.CopiesOwed}");
        for (var number = 1; number <= cluster.Nodes; number++)
        {
            var node = NodeId.Parse($"node-{number}");
            var here = versions.Where(version => version.Nodes.Contains(node)).Select(version => version with { Nodes = [node] }).ToList();
            if (here.Count == 0 || isDamaged(number))
                continue;
            var target = new ComparingTarget(ledger, violation);
            await new Restorer(connection, new TransferCounters()) { FollowsMoves = false }.RestoreAsync(here, target, default);
            foreach (var (version, failure) in target.Failures)
                violation($"I1: version {version} of {connection.Client} does not come back from {node}: {failure.Code} {failure.Message}");
        }
    }

    /// <summary>I4: the loads are the files counted again, and what is reserved still.</summary>
    private async Task CheckLoadsAsync()
    {
        var status = await cluster.Connect(clients[0]).StatusAsync();
        foreach (var node in status.Nodes)
        {
            var files = listed.Values.Count(versions => versions.Any(version => version.Kind == VersionKind.File && version.Nodes.Contains(node.Id)));
            if (node.Files < files || node.Files > files + status.Reserved)
                violation($"I4: {node.Id} is said to hold {node.Files} files, counted {files}, with {status.Reserved} places reserved in all");
        }
    }
}
