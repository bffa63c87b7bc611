using System.Globalization;
using System.Text;
using Backup.Manager.Redis;
using Backup.Protocol;

namespace Backup.Manager.Collection;

/// <summary>One run of retention.</summary>
/// <param name="Moments">The number that says which snapshots its plan was made of.</param>
/// <param name="UntilMs">When what it drops goes for good.</param>
public sealed record Drop(ClientId Client, long Moments, long UntilMs)
{
    /// <summary>Taking snapshots away changes the number; this is what it is afterwards.</summary>
    public long Moments { get; set; } = Moments;
}

/// <summary>
/// What retention dropped: gone from every listing at once, and kept aside until it goes for good, so that an undo can bring it
/// back. Each page of names lies under an id of its own, which keeps the scripts short.
/// </summary>
public sealed class Drops(Metadata metadata, Names names, Snapshots snapshots)
{
    /// <returns>False when the client's snapshots are no longer those of the plan.</returns>
    public async Task<bool> TakeSnapshotsAsync(Drop drop, IReadOnlyCollection<Snapshot> dropped, CancellationToken ct)
    {
        if (dropped.Count == 0)
            return true;
        var id = NewId();
        var call = new ScriptCall(Script.UnnameSnapshots) { Count = dropped.Count }
            .Key(Keys.Snapshots(drop.Client), Keys.Seq(drop.Client), Keys.Drops, Keys.Undoable(drop.Client), Keys.Dropped(drop.Client, id), Keys.Rebuild)
            .Arg(drop.Moments).Arg(drop.UntilMs).Arg(Member(drop.Client, id)).Arg(id);
        foreach (var snapshot in dropped)
            call.Arg(snapshot.Name);
        var reply = (await metadata.RunAsync(call, ct)).UnlessLost();
        if (reply[0].Text == "changed")
            return false;
        drop.Moments = reply[1].Number;
        return true;
    }

    /// <param name="expired">Of one page of names.</param>
    /// <returns>How many versions of how many bytes went; null when the client's snapshots are no longer those of the plan.</returns>
    public async Task<(int Versions, long Bytes)?> TakeVersionsAsync(Drop drop, IReadOnlyCollection<FileVersion> expired, CancellationToken ct)
    {
        if (expired.Count == 0)
            return (0, 0);
        var (client, id) = (drop.Client, NewId());
        var files = expired.GroupBy(version => version.Path).ToList();
        var leaves = await names.LeavesAsync(client, ct);
        for (var attempt = 0; ; attempt++)
        {
            var call = new ScriptCall(Script.RetireVersions) { Count = expired.Count }
                .Key(Keys.Seq(client), Keys.Leaves(client), Keys.Loads, Keys.Candidates, Keys.Drops, Keys.Undoable(client), Keys.Dropped(client, id), Keys.Debts)
                .Key(Keys.Draining, Keys.Healed, Keys.Repair)
                .Arg(drop.Moments).Arg(leaves.Count).Arg(leaves.Last).Arg(drop.UntilMs).Arg(Member(client, id)).Arg(id)
                .Arg(Keys.FilePrefix(client).Length).Arg(client.ToString());
            var leafKeys = AddFiles(call, client, leaves, files.Select(file => file.Key));
            foreach (var file in files)
                call.Arg($"{leafKeys.IndexOf(file.Key)} {string.Join(',', file.Select(version => version.Version))}");
            var reply = (await metadata.RunAsync(call.Key(Keys.Rebuild), ct)).UnlessLost();
            if (reply[0].Text == "changed")
                return null;
            if (reply[0].Text == "ok")
                return ((int)reply[1].Number, long.Parse(reply[2].Text, CultureInfo.InvariantCulture));
            leaves = await names.MovedAsync(client, attempt, ct);
        }
    }

    /// <summary>Brings back everything of the client that does not go for good yet.</summary>
    public async Task<UndoReply> UndoAsync(ClientId client, CancellationToken ct)
    {
        long versions = 0;
        foreach (var id in await metadata.ReadSetAsync(Keys.Undoable(client), ct))
            versions += await UndoAsync(client, id, ct);
        return new UndoReply(await snapshots.ListAsync(client, ct), versions);
    }

    /// <summary>The versions of these files that lie aside: dropped, and an undo may bring them back.</summary>
    public async Task<List<FileVersion>> AsideAsync(ClientId client, IReadOnlyCollection<RootedPath> paths, CancellationToken ct)
    {
        var versions = new List<FileVersion>();
        foreach (var id in await metadata.ReadSetAsync(Keys.Undoable(client), ct))
        {
            var values = await metadata.ReadHashAsync(Keys.Dropped(client, id), paths.Select(path => path.Value), ct);
            foreach (var (path, value) in paths.Zip(values).Where(pair => pair.Second is not null))
                versions.AddRange(FileLines.All(path, Encoding.ASCII.GetBytes(value!)));
        }
        return versions;
    }

    /// <summary>The first id after this one, in their order, under which versions of the client lie aside; null after the last.</summary>
    public async Task<string?> NextAsync(ClientId client, string after, CancellationToken ct) =>
        (await metadata.ReadSetAsync(Keys.Undoable(client), ct)).Where(id => string.CompareOrdinal(id, after) > 0).Min(StringComparer.Ordinal);

    /// <summary>The files of which versions were dropped under an id, and their lines.</summary>
    public async Task<List<(RootedPath Path, byte[] Value)>> ReadAsync(ClientId client, string id, CancellationToken ct) =>
        [.. Files(await metadata.ReadPairsAsync(Keys.Dropped(client, id), ct))];

    /// <summary>The files among the fields of what was dropped, and their lines.</summary>
    public static IEnumerable<(RootedPath Path, byte[] Value)> Files(IEnumerable<(string Name, string Value)> fields) =>
        fields.Where(field => !IsSnapshot(field.Name)).Select(field => (RootedPath.Parse(field.Name), Encoding.ASCII.GetBytes(field.Value)));

    /// <summary>Names that stand for snapshots among the paths of what was dropped: no path begins so.</summary>
    public static bool IsSnapshot(string field) => field.StartsWith('/');

    private async Task<long> UndoAsync(ClientId client, string id, CancellationToken ct)
    {
        var fields = await metadata.ReadFieldsAsync(Keys.Dropped(client, id), ct);
        RootedPath[] paths = [.. fields.Where(field => !IsSnapshot(field)).Select(field => RootedPath.Parse(field))];
        var leaves = await names.LeavesAsync(client, ct);
        for (var attempt = 0; ; attempt++)
        {
            var call = new ScriptCall(Script.RestoreDrop) { Count = paths.Length }
                .Key(Keys.Seq(client), Keys.Leaves(client), Keys.Loads, Keys.Candidates, Keys.Drops, Keys.Undoable(client), Keys.Dropped(client, id), Keys.Debts, Keys.Snapshots(client), Keys.Repair)
                .Arg(leaves.Count).Arg(leaves.Last).Arg(Member(client, id)).Arg(id).Arg(Keys.FilePrefix(client).Length).Arg(client.ToString()).Arg(NameLeaves.NamesMax);
            var leafKeys = AddFiles(call, client, leaves, paths);
            foreach (var path in paths)
                call.Arg(leafKeys.IndexOf(path));
            var reply = (await metadata.RunAsync(call.Key(Keys.Rebuild), ct)).UnlessLost();
            if (reply[0].Text == "gone")
                return 0;
            if (reply[0].Text == "ok")
            {
                await names.SplitAsync(client, reply[2].Texts, leafKeys, ct);
                return reply[1].Number;
            }
            leaves = await names.MovedAsync(client, attempt, ct);
        }
    }

    /// <summary>Declares the files' keys; those of their leaves follow.</summary>
    private static LeafKeys AddFiles(ScriptCall call, ClientId client, NameLeaves leaves, IEnumerable<RootedPath> paths)
    {
        foreach (var path in paths)
            call.Key(Keys.File(client, path));
        return new LeafKeys(call, client, leaves);
    }

    private static string NewId() => Guid.NewGuid().ToString("N");

    private static string Member(ClientId client, string id) => $"{client} {id}";
}
