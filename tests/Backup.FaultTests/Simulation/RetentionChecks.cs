using Backup.Manager;
using Backup.Manager.Redis;
using Backup.Protocol;

namespace Backup.FaultTests.Simulation;

/// <summary>What retention promises, asked of a cluster that is quiet: it drops, a node is emptied, it is undone, it drops again, for good.</summary>
internal sealed partial class Checks
{
    private async Task CheckRetentionAsync()
    {
        var before = listed.ToDictionary();
        await DropAsync(before);
        await CheckCopiesAsync("after retention ");
        await CheckLoadsAsync();
        await CheckDrainAsync();

        foreach (var client in world.Clients)
            await world.Manager.Manager.UndoRetentionAsync(client, default);
        await ReadAsync();
        foreach (var (file, versions) in before)
        {
            if (!versions.Select(version => version.Version).SequenceEqual(listed[file].Select(version => version.Version).Intersect(versions.Select(version => version.Version))))
                Wrong($"I6: an undo of retention brought back [{Numbers(listed[file])}] of {file.Path} where there were [{Numbers(versions)}]");
        }
        await CheckListsAsync();
        await CheckCopiesAsync("after an undo ");
        await CheckLoadsAsync();

        before = listed.ToDictionary();
        await DropAsync(before);
        await world.PassAsync(TimeSpan.FromDays(8));
        for (var i = 0; i < 4; i++)
        {
            await world.PassAsync(TimeSpan.FromMinutes(2));
            await world.Manager.WorkAsync();
        }
        foreach (var (client, version) in before.SelectMany(file => file.Value.ExceptBy(listed[file.Key].Select(left => left.Version), version => version.Version).Select(version => (file.Key.Client, version))))
        {
            foreach (var node in world.Nodes.Where(node => world.IsWhole(node) && node.Store.Index.FindManifest(client, version.Version) is not null))
                Wrong($"I5: {node.Id} holds version {version.Version} of {version.Path}, which was dropped for good; its line named {string.Join('+', version.Nodes)}");
        }
        await CheckCollectionAsync();
    }

    /// <summary>Drops everything but what is current.</summary>
    private async Task DropAsync(Dictionary<(ClientId Client, RootedPath Path), FileVersion[]> before)
    {
        foreach (var client in world.Clients)
        {
            // The moment is after all that was stored.
            await world.PassAsync(TimeSpan.FromSeconds(1));
            await world.Manager.Manager.SnapshotAsync(client, new SnapshotRequest($"at{world.Clock.NowMs}", Automatic: true), default);
            var reply = await world.Manager.Manager.RetainAsync(client, new RetentionRequest(new RetentionPolicy(Last: 1), Apply: true), default);
            world.Note($"retention of {client} in quiet: {reply.Versions} versions");
        }
        await ReadAsync();
        foreach (var (file, versions) in before)
        {
            FileVersion[] current = versions is [.., { Kind: not VersionKind.Tombstone } newest] ? [newest] : [];
            if (Numbers(current) != Numbers(listed[file]))
                Wrong($"I6: retention left [{Numbers(listed[file])}] of {file.Path}, of which [{Numbers(versions)}] were there");
        }
        await CheckListsAsync();
    }

    /// <summary>A node that is emptied holds nothing that may come back; nor does anything that may come back lack a copy.</summary>
    private async Task CheckDrainAsync()
    {
        var leaving = world.Nodes[world.Seed % world.Nodes.Length];
        if (!world.Nodes.All(world.IsWhole))
            return;
        await world.Manager.Get<Registry>().DrainAsync(leaving.Id, true, default);
        for (var i = 0; i < 3; i++)
        {
            await world.PassAsync(TimeSpan.FromMinutes(2));
            await world.Manager.WorkAsync();
        }
        var now = await world.Manager.Get<ClusterView>().ReadAsync(default);
        var view = now.Nodes.Single(node => node.Id == leaving.Id);
        foreach (var client in world.Clients)
        {
            foreach (var id in await world.Lane.Database.SetMembersAsync(Keys.Undoable(client)))
            {
                var aside = (await world.Manager.Get<Backup.Manager.Collection.Drops>().ReadAsync(client, (string)id!, default)).SelectMany(file => FileLines.All(file.Path, file.Value));
                foreach (var version in aside.Where(version => version.Nodes.Contains(leaving.Id) || version.Nodes.Length != 2))
                    Wrong($"I3: version {version.Version} of {version.Path} lies aside on {string.Join('+', version.Nodes)} after {leaving.Id} was emptied");
            }
        }
        var held = world.Clients.SelectMany(client => leaving.Store.Index.ManifestsAfter(client, 0, 10_000)).Count();
        // A version of which no good copy is left, as a failed upload may leave one on a node that is damaged later, keeps every pass from being whole.
        if (!view.IsDrained && now.Repair is { Left: 0, VersionsLost: 0 })
            Wrong($"I11: {leaving.Id} is not emptied: {view.Files} files, healed {view.IsHealed}, {string.Join(' ', (await world.Lane.Database.HashGetAllAsync(Keys.Repair)).Select(e => $"{e.Name}={e.Value}"))}");
        world.Note($"{leaving.Id} was emptied and holds {held} versions");
        await world.Manager.Get<Registry>().DrainAsync(leaving.Id, false, default);
    }

    private static string Numbers(IEnumerable<FileVersion> versions) => string.Join(' ', versions.Select(version => version.Version));
}
