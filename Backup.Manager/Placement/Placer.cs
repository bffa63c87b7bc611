using System.Globalization;
using Backup.Manager.Redis;
using Backup.Protocol;
using Microsoft.Extensions.Options;

namespace Backup.Manager;

/// <summary>③ Gives files their places: checks the request, lets the script choose and reserve, reads its answer.</summary>
public sealed class Placer(Metadata metadata, Reservations reservations, Status status, TimeProvider time, IOptions<ClusterOptions> options)
{
    /// <summary>Places one operation may hold at once: ten calls of the largest kind ahead of their commits. Giving them back takes Redis some 20 ms.</summary>
    private const int EntriesPerReservationMax = 10 * Limits.FilesPerCallMax;

    /// <summary>Expired reservations given back before a place is answered. More than these are left to the background.</summary>
    private const int SweepMax = 20;

    /// <summary>Within this after Redis has come back every node that lives has renewed its lease, on a busy machine too.</summary>
    private static readonly TimeSpan RenewTime = 2 * Leases.Node;

    public async Task<PlaceReply> PlaceAsync(ClientId client, PlaceRequest request, CancellationToken ct)
    {
        OperationIds.Check(request.Operation);
        OperationIds.CheckPaths([.. OperationIds.Given(request.Files).Select(file => file.Path)]);
        if (request.Files.FirstOrDefault(file => file.SizeBytes is < 0 or > Limits.FileBytesMax || !Enum.IsDefined(file.Kind)) is { } bad)
            throw Failure.InvalidRequest($"'{bad.Path.Display}' has a size that no file has, or no known kind.").Exception();
        if (request.Avoid?.Any(node => node.Value is null) == true)
            throw Failure.InvalidRequest("A node to avoid has no name.").Exception();

        using var step = Step.Begin("③ fewest files").Tag(Tags.Files, request.Files.Length);
        var expires = time.GetUtcNow() + Leases.Reservation;
        var reply = (await metadata.RunAsync(Call(client, request, expires, SweepMax), ct)).UnlessLost();
        if (reply[0].Text == "expired")
        {
            foreach (var member in reply[1].Texts)
                await reservations.ExpireAsync(member, null, ct);
            reply = (await metadata.RunAsync(Call(client, request, expires, 0), ct)).UnlessLost();
        }
        if (reply[0].Text == "ok")
            step.Succeed();
        return reply[0].Text switch
        {
            "ok" => Read(request, reply, expires),
            "quota" => throw Quotas.Refusal(reply).Exception(),
            "many" => throw Failure.InvalidRequest($"The operation holds more than {EntriesPerReservationMax:N0} places; commit some of them first.").Exception(),
            "absent" => throw Failure.NotFound($"'{request.Files[(int)reply[1].Number - 1].Path.Display}'").Exception(),
            "few" => throw await TooFewAsync(request, (int)reply[2].Number, ct),
            var other => throw new InvalidOperationException($"place-files returned '{other}'."),
        };
    }

    private ScriptCall Call(ClientId client, PlaceRequest request, DateTimeOffset expires, int sweep)
    {
        var member = Keys.Member(client, request.Operation);
        var call = new ScriptCall(Script.PlaceFiles) { Count = request.Files.Length }
            .Key(Keys.Seq(client), Keys.Reservation(member), Keys.Reservations, Keys.Reserved, Keys.Loads, Keys.Candidates, Keys.Leases, Keys.Nodes, Keys.Epoch)
            .Arg((expires - Leases.Reservation).ToUnixTimeMilliseconds()).Arg(expires.ToUnixTimeMilliseconds()).Arg(member)
            .Arg(options.Value.Copies).Arg(options.Value.OnMissingCopies)
            .Arg($",{string.Join(',', request.Avoid ?? [])},").Arg(Keys.FilePrefix(client).Length).Arg(sweep).Arg(EntriesPerReservationMax)
            .Arg(request.Together ? 1 : 0);
        foreach (var file in request.Files)
            call.Key(Keys.File(client, file.Path));
        foreach (var file in request.Files)
        {
            var hint = call.AddHint(client, file.SizeBytes, file.FirstChunk);
            call.Arg(string.Create(CultureInfo.InvariantCulture, $"{(byte)file.Kind} {file.SizeBytes} {hint}"));
        }
        return call.Key(Keys.Rebuild);
    }

    private PlaceReply Read(PlaceRequest request, ScriptReply reply, DateTimeOffset expires)
    {
        var addresses = reply[3].Texts.Select(text => text.Split(' ')).ToDictionary(
            parts => parts[0], parts => new NodeRef(NodeId.Parse(parts[0]), new Uri(parts[1])));
        return new PlaceReply(
            request.Operation,
            expires.ToUnixTimeMilliseconds(),
            [.. reply[2].Texts.Select(group => group.Split(' ')).Select(parts =>
                new Placement([.. FileLines.Names(parts[1]).Select(name => addresses[name])], Number(parts[0])))],
            [.. reply[1].Texts.Select(file => file.Split(' ')).Select(parts =>
                new PlacedFile((int)Number(parts[0]), Number(parts[1]), Number(parts[2])))],
            options.Value.Copies);
    }

    /// <summary>Says how many nodes there are and why the others do not count.</summary>
    private async Task<FailureException> TooFewAsync(PlaceRequest request, int found, CancellationToken ct)
    {
        var nodes = (await status.ReadAsync(ct)).Nodes;
        // While Redis was away no node could renew its lease: they are not dead, and come back by themselves.
        if (metadata.HasFailedWithin(RenewTime))
        {
            throw new Failure(FailureCode.Busy, "Redis was out of reach a moment ago, and the nodes are renewing their leases.", "manager",
                "Try again in a moment.").Exception();
        }
        var counts = string.Join(", ", Enum.GetValues<NodeState>().Select(state => $"{nodes.Count(node => node.State == state)} {state.ToString().ToLowerInvariant()}"));
        var avoided = request.Avoid is { Length: > 0 } avoid ? $", {avoid.Length} avoided" : "";
        return new Failure(FailureCode.NotEnoughNodes,
            $"{found} of the {options.Value.Copies} nodes asked for can take the file ({counts}{avoided}).", "manager",
            "Start more nodes or free space on them; files that are stored already can still be read.").Exception();
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
