using System.Globalization;
using System.Text.RegularExpressions;
using Backup.Manager.Redis;
using Backup.Protocol;

namespace Backup.Manager;

/// <summary>Which nodes there are: they register when they start and renew a lease while they run.</summary>
public sealed partial class Registry(Metadata metadata, TimeProvider time, ILogger<Registry> log)
{
    /// <summary>The nodes as of an epoch. They change with registrations only, and each of these makes a new epoch.</summary>
    private sealed record Known(long Epoch, NodeRef[] Peers);

    private volatile Known known = new(0, []);

    public async Task<RegisterReply> RegisterAsync(RegisterRequest request, CancellationToken ct)
    {
        var zone = request.Zone is null or "" ? NodeLine.NoZone : request.Zone;
        Check(request.Id, request.Space);
        if (!request.Address.IsAbsoluteUri || request.Address.Scheme is not ("http" or "https"))
            throw Failure.InvalidRequest("The address of a node must be an absolute http or https URL.").Exception();
        if (request.Zone is { Length: > 0 } && !ZoneShape().IsMatch(zone))
            throw Failure.InvalidRequest("A zone is 1 to 64 letters, digits, dots, dashes and underscores, starting with a letter or digit.").Exception();

        var now = time.GetUtcNow();
        var call = new ScriptCall(Script.RegisterNode)
            .Key(Keys.Nodes, Keys.Leases, Keys.Loads, Keys.Candidates, Keys.Draining, Keys.Epoch)
            .Key(Keys.Stale, Keys.Reconcile, Keys.Generation, Keys.Rebuild, Keys.Inventoried, Keys.Clients)
            .Arg(now.ToUnixTimeMilliseconds()).Arg((now + Leases.Node).ToUnixTimeMilliseconds())
            .Arg(request.Id.Value).Arg(request.Address.AbsoluteUri).Arg(request.Incarnation.ToString("N")).Arg(zone);
        var reply = await metadata.RunAsync(
            AddSpace(call, request.Space).Arg(request.LastEpoch?.ToString(CultureInfo.InvariantCulture) ?? "-").Arg(request.Generation).Arg(request.HoldsFiles ? 1 : 0).Arg(request.MayLackVersions ? 1 : 0), ct);
        if (reply[0].Text == "taken")
        {
            throw new Failure(FailureCode.AlreadyExists,
                $"Another node called {request.Id} is alive at {reply[1].Text}, or was until a moment ago.", request.Id.Value,
                $"Give this one a data directory of its own; if the other has just been stopped, wait {Leases.Node.TotalSeconds:N0} s.").Exception();
        }

        var epoch = reply[1].Number;
        if (reply[3].Number > 0)
            LogOtherIncarnation(log, request.Id, reply[3].Number);
        LogRegistered(log, request.Id, request.Address, epoch);
        return new RegisterReply(epoch, (int)Leases.Heartbeat.TotalMilliseconds, Remember(epoch, reply[2]), reply[4].Number);
    }

    public async Task<HeartbeatReply> HeartbeatAsync(HeartbeatRequest request, CancellationToken ct)
    {
        Check(request.Id, request.Space);
        var now = time.GetUtcNow();
        var before = known;
        var call = new ScriptCall(Script.HeartbeatNode)
            .Key(Keys.Nodes, Keys.Leases, Keys.Loads, Keys.Candidates, Keys.Draining, Keys.Epoch)
            .Key(Keys.Generation, Keys.Rebuild, Keys.Inventoried, Keys.Damaged)
            .Arg(now.ToUnixTimeMilliseconds()).Arg((now + Leases.Node).ToUnixTimeMilliseconds())
            .Arg(request.Id.Value).Arg(request.Incarnation.ToString("N")).Arg(request.Epoch);
        var reply = await metadata.RunAsync(AddSpace(call, request.Space).Arg(before.Epoch).Arg(request.Generation).Arg(Math.Max(0, request.Damaged)), ct);
        var epoch = reply[1].Number;
        var peers = epoch == before.Epoch ? before.Peers : Remember(epoch, reply[2]);
        return new HeartbeatReply(reply[0].Text == "unknown", peers, reply[3].Number);
    }

    /// <summary>Starts or ends the emptying of a node: it keeps and serves its files, and takes no new ones.</summary>
    public async Task DrainAsync(NodeId node, bool drain, CancellationToken ct)
    {
        var reply = await metadata.RunAsync(new ScriptCall(Script.DrainNode)
            .Key(Keys.Nodes, Keys.Leases, Keys.Loads, Keys.Candidates, Keys.Draining)
            .Arg(time.GetUtcNow().ToUnixTimeMilliseconds()).Arg(node.Value).Arg(drain ? "yes" : "no"), ct);
        if (reply[0].Text == "unknown")
            throw new Failure(FailureCode.NotFound, $"There is no node {node}.", node.Value, "`cluster status` lists the nodes.").Exception();
    }

    /// <summary>Whose address it is. Nothing is signed for one that is no node's.</summary>
    public async ValueTask<string> NodeAtAsync(Uri uri, CancellationToken ct)
    {
        var lines = await metadata.ReadPairsAsync(Keys.Nodes, ct);
        return lines.Select(line => NodeLine.Parse(line.Name, line.Value).Ref).FirstOrDefault(node => node.Address.Authority == uri.Authority)?.Id.Value
            ?? throw new Failure(FailureCode.NotFound, $"No node is registered at {uri.GetLeftPart(UriPartial.Authority)}.", "manager", "Try again.").Exception();
    }

    private NodeRef[] Remember(long epoch, ScriptReply nodes)
    {
        NodeRef[] peers = [.. nodes.Pairs.Select(pair => NodeLine.Parse(pair.Name, pair.Value).Ref).OrderBy(peer => peer.Id)];
        known = new Known(epoch, peers);
        return peers;
    }

    private static ScriptCall AddSpace(ScriptCall call, NodeSpace space) =>
        call.Arg(space.FreeBytes).Arg(space.TotalBytes).Arg(space.StoredBytes);

    private static void Check(NodeId id, NodeSpace space)
    {
        if (id.Value is null)
            throw Failure.InvalidRequest("The request names no node.").Exception();
        if (space.FreeBytes < 0 || space.TotalBytes < 0 || space.StoredBytes < 0)
            throw Failure.InvalidRequest("The space of a node cannot be negative.").Exception();
    }

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\z", RegexOptions.CultureInvariant)]
    private static partial Regex ZoneShape();

    [LoggerMessage(Level = LogLevel.Information, Message = "Node {Node} registered at {Address} with epoch {Epoch}")]
    private static partial void LogRegistered(ILogger log, NodeId node, Uri address, long epoch);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Node {Node} came back with another data directory: its copies of {Files} files are gone")]
    private static partial void LogOtherIncarnation(ILogger log, NodeId node, long files);
}
