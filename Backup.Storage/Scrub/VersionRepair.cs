using System.Diagnostics;
using Backup.Protocol;
using Backup.Storage.Membership;
using Backup.Storage.Packs;

namespace Backup.Storage.Scrub;

/// <summary>
/// Makes a version whole again on this node: ① finds what of it is lacking or damaged, ② asks the nodes that hold the same
/// version for exactly that, ③ verifies it and appends it anew, which heals it. What fails a check anywhere is not copied onwards.
/// </summary>
public sealed partial class VersionRepair(PackStore store, Peers peers, ICatalogue catalogue, ILogger<VersionRepair> log)
{
    /// <summary>What a node that hangs may hold a repair up; what is asked for at once takes two seconds at 10 MiB/s.</summary>
    private static readonly TimeSpan FetchTime = TimeSpan.FromSeconds(30);

    private readonly NodeId self = peers.Self;

    /// <param name="readAll">Whether all of it is read first, and not only looked up.</param>
    /// <param name="cause">The span in which somebody met the damage; the repair's own span links to it.</param>
    /// <returns>False when something of it is nowhere to be had; it was named in the log then.</returns>
    public async Task<bool> RunAsync(ClientId client, long version, bool readAll, CancellationToken ct, ActivityContext cause = default)
    {
        var lacking = await LackingAsync(client, version, readAll, ct); // ①
        if (lacking.Length == 0)
            return true;
        using var span = Telemetry.Source.StartActivity(ActivityKind.Internal, links: cause == default ? null : [new ActivityLink(cause)], name: "repair version");
        while (lacking.Length > 0)
        {
            var holders = await HoldersAsync(client, version, ct);
            var got = 0;
            foreach (var node in holders)
            {
                got += await FetchAsync(client, version, node, lacking, ct);
                lacking = await LackingAsync(client, version, readAll: false, ct);
                if (lacking.Length == 0)
                    break;
            }
            if (got == 0)
            {
                span?.SetStatus(ActivityStatusCode.Error);
                LogLost(lacking.Length, PathOf(client, version), version, client, $"{self}, {string.Join(", ", holders)}");
                return false;
            }
            LogRepaired(got, PathOf(client, version), version, client);
            lacking = await LackingAsync(client, version, readAll, ct);
        }
        return true;
    }

    private async Task<RecordKey[]> LackingAsync(ClientId client, long version, bool readAll, CancellationToken ct)
    {
        var lacking = new HashSet<RecordKey>();
        await foreach (var part in VersionParts.FindAsync(store, client, version, readAll, ct))
        {
            if (!part.IsHeld)
                lacking.Add(part.Key);
            if (lacking.Count == RecordsRequest.RecordsMax)
                break;
        }
        return [.. lacking];
    }

    /// <summary>Who else has it: whom its manifest names, and whom the manager names; where neither can be asked, everybody.</summary>
    private async Task<NodeId[]> HoldersAsync(ClientId client, long version, CancellationToken ct)
    {
        var holders = new List<NodeId>();
        try
        {
            using var record = await store.ReadManifestAsync(client, version, ct);
            if (record is not null)
                holders.AddRange(store.OpenManifest(record, self.Value).Head.Nodes);
        }
        catch (FailureException e) when (e.Failure.Code is FailureCode.Corrupt or FailureCode.DiskFailed)
        {
            // The manifest itself is to be repaired.
        }
        try
        {
            if (RootedPath.TryParse(PathOf(client, version), null, out var path))
                holders.AddRange((await catalogue.VersionsAsync(client, new VersionsRequest(path), ct)).Versions.Where(v => v.Version == version).SelectMany(v => v.Nodes));
        }
        catch (FailureException e)
        {
            LogUnasked(e.Failure.Message);
        }
        return [.. (holders.Exists(node => node != self) ? holders : peers.Known).Where(node => node != self).Distinct()];
    }

    /// <summary>② ③</summary>
    private async Task<int> FetchAsync(ClientId client, long version, NodeId node, RecordKey[] wanted, CancellationToken ct)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        deadline.CancelAfter(FetchTime);
        using var batch = store.Begin(client);
        var got = 0;
        try
        {
            var source = await peers.SourceAsync(node, deadline.Token);
            await using var stream = await source.RecordsAsync(client, Request(version, wanted), deadline.Token);
            var reader = new RecordReader(stream, node.Value);
            while (await reader.ReadAsync(deadline.Token) is { } record)
            {
                using (record)
                {
                    if (IsWanted(record, client, version, wanted, node) && await batch.AppendAsync(record, ct))
                        got++;
                }
            }
        }
        catch (Exception e) when (e is FailureException or IOException or HttpRequestException || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            // What arrived whole before is kept, unless the own disk is what failed.
            LogUnanswered(node, e.Message);
            if (e is FailureException { Failure: { Code: FailureCode.DiskFailed or FailureCode.NodeFull } own } && own.Culprit == self.Value)
                return 0;
        }
        if (got > 0)
            await batch.CommitAsync(ct);
        return got;
    }

    private static RecordsRequest Request(long version, RecordKey[] wanted) => new(version, wanted.Any(key => key.Kind == RecordKind.Manifest),
        [.. wanted.Where(key => key.Kind == RecordKind.List).Select(key => key.Id)], [.. wanted.Where(key => key.Kind == RecordKind.Chunk).Select(key => key.Id)]);

    private bool IsWanted(Record record, ClientId client, long version, RecordKey[] wanted, NodeId from)
    {
        var key = RecordKey.Of(record.Header);
        if (key.Client != client || !record.ChecksumMatches() || !record.DigestMatches())
            return false;
        if (key.Kind != RecordKind.Manifest)
            return Array.IndexOf(wanted, key) >= 0;
        // The other copy's manifest may name other nodes and so have another id; what it says of the file is the same.
        var head = store.OpenManifest(record, from.Value).Head;
        return head.Version == version && head.Path.Value == PathOf(client, version) && wanted.Any(w => w.Kind == RecordKind.Manifest);
    }

    private string? PathOf(ClientId client, long version) => store.Index.PathOf(client, version);

    [LoggerMessage(LogLevel.Information, "{Records} records of '{Path}' version {Version} of client {Client} were repaired from another copy")]
    private partial void LogRepaired(int records, string? path, long version, ClientId client);

    [LoggerMessage(LogLevel.Error, "No good copy is left of {Records} records of '{Path}' version {Version} of client {Client} (asked: {Nodes})")]
    private partial void LogLost(int records, string? path, long version, ClientId client, string nodes);

    [LoggerMessage(LogLevel.Warning, "Node {Node} could not be asked for records: {Reason}")]
    private partial void LogUnanswered(NodeId node, string reason);

    [LoggerMessage(LogLevel.Warning, "The manager could not be asked who holds a damaged version: {Reason}")]
    private partial void LogUnasked(string reason);
}
