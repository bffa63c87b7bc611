using System.Globalization;
using System.Text.RegularExpressions;
using Backup.Manager.Redis;
using Backup.Protocol;

namespace Backup.Manager.Collection;

/// <summary>Named moments of each client. Their times and pins go by the cluster's clock, whatever the client's says.</summary>
public sealed partial class Snapshots(Metadata metadata, TimeProvider time)
{
    public async Task<Snapshot> PutAsync(ClientId client, SnapshotRequest request, CancellationToken ct)
    {
        var nowMs = time.GetUtcNow().ToUnixTimeMilliseconds();
        if (!Shape().IsMatch(request.Name))
            throw Failure.InvalidRequest("A snapshot's name is 1 to 100 letters, digits and any of - _ . : +").Exception();
        if (request.AtMs is < 0 || request.AtMs > nowMs)
            throw Failure.InvalidRequest("A snapshot is of a moment that has passed.").Exception();
        var reply = (await metadata.RunAsync(new ScriptCall(Script.PutSnapshot).Key(Keys.Snapshots(client), Keys.Seq(client), Keys.Rebuild)
            .Arg(request.Name).Arg(request.AtMs ?? nowMs).Arg(request.AtMs is null ? "0" : "1").Arg(request.Automatic ? "1" : "0")
            .Arg(request.PinnedUntilMs?.ToString(CultureInfo.InvariantCulture) ?? NoPin), ct)).UnlessLost();
        return reply[0].Text == "ok" ? Parse(request.Name, reply[1].Text)
            : throw new Failure(FailureCode.AlreadyExists, $"'{request.Name}' names another moment already.", "client", "Choose another name.").Exception();
    }

    /// <summary>Oldest first.</summary>
    public async Task<Snapshot[]> ListAsync(ClientId client, CancellationToken ct) => (await ReadAsync(client, ct)).Snapshots;

    /// <summary>The same, with a number that changes whenever they do.</summary>
    public async Task<(Snapshot[] Snapshots, long Moments)> ReadAsync(ClientId client, CancellationToken ct)
    {
        var reply = await metadata.RunAsync(new ScriptCall(Script.ListSnapshots).Key(Keys.Snapshots(client), Keys.Seq(client)), ct);
        return ([.. reply[1].Pairs.Select(pair => Parse(pair.Name, pair.Value)).OrderBy(s => s.TimeMs).ThenBy(s => s.Name, StringComparer.Ordinal)], reply[0].Number);
    }

    public async Task DropAsync(ClientId client, string name, CancellationToken ct)
    {
        var reply = (await metadata.RunAsync(new ScriptCall(Script.DropSnapshot).Key(Keys.Snapshots(client), Keys.Seq(client), Keys.Rebuild)
            .Arg(name).Arg(time.GetUtcNow().ToUnixTimeMilliseconds()), ct)).UnlessLost();
        if (reply[0].Text == "none")
            throw Failure.NotFound($"The snapshot '{RootedPath.Escape(name)}'").Exception();
        if (reply[0].Text == "pinned")
            throw new Failure(FailureCode.Forbidden, $"'{name}' is pinned until {DateTimeOffset.FromUnixTimeMilliseconds(long.Parse(reply[1].Text, CultureInfo.InvariantCulture)):u}.",
                "client", "Nobody can delete it before that time.").Exception();
    }

    private const string NoPin = "-";

    private static Snapshot Parse(string name, string entry)
    {
        var fields = entry.Split(' ');
        return new Snapshot(name, long.Parse(fields[0], CultureInfo.InvariantCulture), fields[1] == "1",
            fields[2] == NoPin ? null : long.Parse(fields[2], CultureInfo.InvariantCulture));
    }

    [GeneratedRegex(@"^[A-Za-z0-9_.:+-]{1,100}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Shape();
}
