using Backup.Manager;
using Backup.Manager.Redis;
using Backup.Protocol;
using Backup.Storage.Packs;

namespace Backup.FaultTests.Simulation;

/// <summary>The invariants, asked of a cluster that has been healed and is quiet.</summary>
internal sealed partial class Checks(World world)
{
    private readonly Dictionary<(ClientId Client, RootedPath Path), FileVersion[]> listed = [];

    public async Task RunAsync()
    {
        await ReadAsync();
        var moments = new Dictionary<ClientId, long[]>();
        foreach (var client in world.Clients)
            moments[client] = [.. (await world.Manager.Manager.SnapshotsAsync(client, default)).Snapshots.Select(snapshot => snapshot.TimeMs)];
        new HistoryCheck(world.Ledger, moments, world.IsEmptied, Wrong).Run(listed);
        NoteWhereabouts();
        await CheckListsAsync();
        await CheckCopiesAsync();
        await CheckLoadsAsync();
        await CheckStrangersAsync();
        await CheckCollectionAsync();
        if (world.Retains)
            await CheckRetentionAsync();
    }

    private void Wrong(string what) => world.Violations.Enqueue(what);

    private async Task ReadAsync()
    {
        foreach (var file in world.Ledger.Changes.Select(change => (change.Client, change.Path)).Distinct())
            listed[file] = (await world.Manager.Manager.VersionsAsync(file.Client, new VersionsRequest(file.Path), default)).Versions;
    }

    /// <summary>For whoever looks at a failing seed: which nodes hold what is not listed.</summary>
    private void NoteWhereabouts()
    {
        foreach (var change in world.Ledger.Acknowledged.Where(change => !Array.Exists(listed[(change.Client, change.Path)], version => version.Version == change.Receipt!.Version)))
        {
            var holders = world.Nodes.Where(node => node.Store.Index.FindManifest(change.Client, change.Receipt!.Version) is not null).Select(node => node.Id);
            world.Note($"version {change.Receipt!.Version} of #{change.Id} is not listed; its receipt names {string.Join('+', change.Receipt.Nodes)}, held by {string.Join('+', holders)}");
        }
    }

    /// <summary>The listing, now and as of each moment, is what the versions say.</summary>
    private async Task CheckListsAsync()
    {
        foreach (var client in world.Clients)
        {
            var moments = world.Ledger.Acknowledged.Where(change => change.Client == client).Select(change => (long?)change.Receipt!.TimeMs).Distinct().Take(2);
            foreach (var moment in moments.Append(null))
            {
                var page = await world.Manager.Manager.ListAsync(client, new ListRequest("", null, 1000, moment), default);
                var expected = listed.Where(file => file.Key.Client == client)
                    .Select(file => file.Value.LastOrDefault(version => moment is null || version.TimeMs <= moment))
                    .Where(version => version is { Kind: not VersionKind.Tombstone })
                    .Select(version => $"{version!.Path} {version.Version}").Order(StringComparer.Ordinal);
                var found = page.Files.Select(file => $"{file.Path} {file.Version}").Order(StringComparer.Ordinal);
                if (!expected.SequenceEqual(found))
                    Wrong($"I6: as of {moment} the list of {client} has [{string.Join("; ", found)}] and not [{string.Join("; ", expected)}]");
            }
        }
    }

    /// <summary>I1, I2, I3: each version that is listed restores from each of its copies, on as many nodes as the policy asks for.</summary>
    private async Task CheckCopiesAsync(string when = "")
    {
        foreach (var client in world.Clients)
        {
            var versions = listed.Where(file => file.Key.Client == client).SelectMany(file => file.Value).Where(version => !IsLeftover(client, version)).ToList();
            foreach (var version in versions.Where(version => version.Nodes.Distinct().Count() != 2 || version.CopiesOwed != 0))
                Wrong($"I3: version {version.Version} of {version.Path} is on {string.Join(", ", version.Nodes)} and owes {version.CopiesOwed}; {await world.Lane.Database.SortedSetLengthAsync(Keys.Debts)} debts, {string.Join(' ', (await world.Lane.Database.HashGetAllAsync(Keys.Repair)).Select(e => $"{e.Name}={e.Value}"))}");
            var cluster = world.Connect(client);
            foreach (var node in world.Nodes.Where(world.IsWhole))
            {
                var target = new ComparingTarget(world.Ledger, Wrong);
                var here = versions.Where(version => version.Nodes.Contains(node.Id)).Select(version => version with { Nodes = [node.Id] }).ToList();
                if (here.Count > 0)
                    await new Restorer(cluster, new TransferCounters()) { FollowsMoves = false }.RestoreAsync(here, target, default);
                foreach (var (version, failure) in target.Failures)
                    Wrong($"I1: {when}version {version} of {client} does not come back from {node.Id}: {failure.Code} {failure.Message}");
            }
        }
    }

    /// <summary>
    /// What a failed upload left on one node comes back with metadata that is rebuilt, for nobody knows that it was never acknowledged.
    /// Where that node was damaged as well, nothing can be asked of it.
    /// </summary>
    private bool IsLeftover(ClientId client, FileVersion version) => world.Victim is { } victim && version.Nodes.Contains(victim.Id)
        && !world.Ledger.Acknowledged.Any(change => change.Client == client && change.Path == version.Path && change.Receipt!.Version == version.Version);

    /// <summary>I4: the loads are what counting everything again gives.</summary>
    private async Task CheckLoadsAsync()
    {
        var database = world.Lane.Database;
        var files = new List<FileVersion[]>();
        foreach (var key in world.Lane.Redis.GetServers()[0].Keys(pattern: "f:*", pageSize: 1000))
            files.Add(FileLines.All(RootedPath.Parse("any"), (byte[])(await database.StringGetAsync(key))!));
        var members = await database.SortedSetRangeByRankAsync(Keys.Reservations);
        if (members.Length > 0 || (long)await database.StringGetAsync(Keys.Reserved) != 0)
            Wrong($"I4: {members.Length} reservations and {await database.StringGetAsync(Keys.Reserved)} reserved places are left");
        var expected = Recount.Loads(files, []).Where(load => load.Value != 0).Select(load => $"{load.Key}={load.Value}").Order(StringComparer.Ordinal);
        var entries = await database.SortedSetRangeByRankWithScoresAsync(Keys.Loads);
        var loads = entries.Where(entry => entry.Score != 0).Select(entry => $"{entry.Element}={entry.Score}").Order(StringComparer.Ordinal);
        if (!expected.SequenceEqual(loads))
            Wrong($"I4: the loads are [{string.Join(" ", loads)}], counted [{string.Join(" ", expected)}]");
        foreach (var candidate in await database.SortedSetRangeByRankWithScoresAsync(Keys.Candidates))
        {
            if (entries.First(entry => entry.Element == candidate.Element).Score != Math.Floor(candidate.Score))
                Wrong($"I4: candidate {candidate.Element} is out of step with its load");
        }
    }

    /// <summary>I7: one client neither reads, nor finds by asking, nor writes what is another's.</summary>
    private async Task CheckStrangersAsync()
    {
        var (owner, stranger) = (world.Clients[0], world.Clients[1]);
        var network = world.Network.Of("client-2", () => true);
        var others = listed.Where(file => file.Key.Client == owner).SelectMany(file => file.Value)
            .Where(version => version.Kind == VersionKind.File && version.SizeBytes > 0).Take(2);
        foreach (var version in others)
        {
            var node = world.Nodes.First(each => each.Id == version.Nodes[0]);
            var reach = network.Reach<INode>(node.Address, "node");
            // Both may have a version of this number: what comes must be the one's who asks, which the node's own door looks at.
            await TryAsync(() => reach.ReadAsync(stranger, node.Id.Value, new ReadRequest([new ReadItem(version.Version)]), default));
            using var record = Record.Of(RecordKind.Chunk, owner, BitConverter.GetBytes(world.Seed));
            if (await TryAsync(() => reach.StoreAsync(stranger, string.Join(',', version.Nodes), long.MaxValue / 2, new RecordsContent([record]), default)))
                Wrong($"I7: {stranger} wrote a chunk of {owner}");
        }

        // Nor does a commit of what was never placed make anything visible.
        var path = RootedPath.Parse("never/placed");
        var commit = new CommitFile(path, 1_000_000, VersionKind.File, 1, ChunkId.Of([1]), 1, 0, [world.Nodes[0].Id, world.Nodes[1].Id]);
        if (await TryAsync(() => world.Manager.Manager.CommitAsync(owner, new CommitRequest("never-placed", [commit]), default)))
            Wrong("I2: a version was committed that no place was reserved for");

        static async Task<bool> TryAsync(Func<Task> call)
        {
            try
            {
                await call();
                return true;
            }
            catch (FailureException)
            {
                return false;
            }
        }
    }

    /// <summary>I5: two collections after the grace time leave nothing that no version names, and take nothing that one names.</summary>
    private async Task CheckCollectionAsync()
    {
        foreach (var node in world.Nodes)
            await node.Collector.CollectAsync(default);
        await world.PassAsync(SimNode.GraceTime * 2);
        foreach (var node in world.Nodes)
        {
            await node.Collector.CollectAsync(default);
            if (world.IsWhole(node))
                await Orphans.FindAsync(node.Store, Wrong);
        }
        await CheckCopiesAsync("after collection ");
    }
}
