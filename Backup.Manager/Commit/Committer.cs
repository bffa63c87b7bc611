using System.Globalization;
using System.Text.RegularExpressions;
using Backup.Manager.Redis;
using Backup.Protocol;
using Microsoft.Extensions.Options;

namespace Backup.Manager;

/// <summary>⑥ Makes versions visible that are durable on their nodes, all of a call or none.</summary>
public sealed partial class Committer(Metadata metadata, Names names, TimeProvider time, IOptions<ClusterOptions> options)
{
    public async Task<CommitReply> CommitAsync(ClientId client, CommitRequest request, CancellationToken ct)
    {
        OperationIds.Check(request.Operation);
        OperationIds.CheckPaths([.. OperationIds.Given(request.Files).Select(file => file.Path)]);
        foreach (var file in request.Files)
            Check(file);

        using var step = Step.Begin("⑥ make visible").Tag(Tags.Files, request.Files.Length);
        var leaves = await names.LeavesAsync(client, ct);
        for (var attempt = 0; ; attempt++)
        {
            var (call, leafKeys) = Call(client, request, leaves);
            var reply = (await metadata.RunAsync(call, ct)).UnlessLost();
            if (reply[0].Text == "moved")
            {
                leaves = await names.MovedAsync(client, attempt, ct);
                continue;
            }
            if (reply[0].Text != "ok")
                throw Refusal(request, reply).Exception();
            await names.SplitAsync(client, reply[2].Texts, leafKeys, ct);
            Receipt[] receipts = [.. request.Files.Zip(reply[1].Texts, (file, line) => ReceiptOf(FileLines.Parse(file.Path, line)))];
            foreach (var receipt in receipts)
                Measures.Committed(receipt.Kind, receipt.SizeBytes);
            step.Tag(Tags.CopiesOwed, receipts.Sum(r => r.CopiesOwed)).Succeed();
            return new CommitReply(receipts);
        }
    }

    private (ScriptCall Call, LeafKeys Leaves) Call(ClientId client, CommitRequest request, NameLeaves leaves)
    {
        var member = Keys.Member(client, request.Operation);
        var call = new ScriptCall(Script.CommitFiles) { Count = request.Files.Length }
            .Key(Keys.Seq(client), Keys.Reservation(member), Keys.Reservations, Keys.Reserved, Keys.Loads, Keys.Candidates)
            .Key(Keys.Nodes, Keys.Clients, Keys.Debts, Keys.Leaves(client))
            .Arg((time.GetUtcNow() + Leases.Reservation).ToUnixTimeMilliseconds()).Arg(member)
            .Arg(options.Value.Copies).Arg(options.Value.OnMissingCopies).Arg(Keys.FilePrefix(client).Length).Arg(client.ToString())
            .Arg(leaves.Count).Arg(leaves.Last).Arg(NameLeaves.NamesMax);
        foreach (var file in request.Files)
            call.Key(Keys.File(client, file.Path));

        var leafKeys = new LeafKeys(call, client, leaves);
        foreach (var file in request.Files)
        {
            var index = leafKeys.IndexOf(file.Path);
            var hint = call.AddHint(client, file.SizeBytes, file.FirstChunk);
            call.Arg(string.Create(CultureInfo.InvariantCulture,
                $"{file.Version} {(byte)file.Kind} {file.SizeBytes} {file.Digest} {file.MtimeNs} {file.Mode} {FileLines.Join(file.Nodes)} {file.TraceId ?? FileLines.NoTrace} {index} {hint}"));
        }
        return (call.Key(Keys.Generation, Keys.Rebuild), leafKeys);
    }

    private static void Check(CommitFile file)
    {
        var wrong =
            file.Version < 1 ? "has no version number" :
            !Enum.IsDefined(file.Kind) ? "is of no known kind" :
            file.SizeBytes is < 0 or > Limits.FileBytesMax ? "has a size that no file has" :
            file.Mode is < 0 or > 0xFFFF ? "has a mode that is none" :
            file.Nodes.Length is 0 or > Limits.CopiesMax ? $"names {file.Nodes.Length} nodes, not 1 to {Limits.CopiesMax}" :
            file.Nodes.Any(node => node.Value is null) || file.Nodes.Distinct().Count() != file.Nodes.Length ? "names a node twice, or none" :
            file.TraceId is not null && !TraceShape().IsMatch(file.TraceId) ? "has a trace id that is none" : null;
        if (wrong is not null)
            throw Failure.InvalidRequest($"'{file.Path.Display}' {wrong}.").Exception();
    }

    private static Failure Refusal(CommitRequest request, ScriptReply reply)
    {
        if (reply[0].Text == "quota")
            return Quotas.Refusal(reply);
        var file = request.Files[(int)reply[1].Number - 1];
        var name = $"'{file.Path.Display}'";
        return reply[0].Text switch
        {
            "gone" => new Failure(FailureCode.ReservationGone, $"No place is reserved for version {file.Version} of {name}.",
                "client", "Place it again; nothing of this call was committed."),
            "stale" => new Failure(FailureCode.StaleEpoch, $"Node {reply[2].Text} has lost what it stored of {name}: it came back with another data directory.",
                reply[2].Text, "Place it again; nothing of this call was committed."),
            "nodes" => new Failure(FailureCode.ReservationGone,
                $"{name} was reserved on {Readable(reply[2].Text)} and not acknowledged by all and only these ({Readable(FileLines.Join(file.Nodes))}).",
                "client", "Place the file again."),
            "other" => new Failure(FailureCode.AlreadyExists, $"Version {file.Version} of {name} is committed with another content.",
                "client", "Place it again under another operation."),
            "absent" => Failure.NotFound(name),
            var other => throw new InvalidOperationException($"commit-files returned '{other}'."),
        };
    }

    private static string Readable(string nodes) => string.Join(", ", FileLines.Names(nodes));

    private static Receipt ReceiptOf(FileVersion version) => new(version.Path, version.Version, version.Kind, version.TimeMs,
        version.SizeBytes, version.Digest, version.Nodes, version.CopiesOwed, version.TraceId);

    [GeneratedRegex(@"^[A-Za-z0-9]{1,64}\z", RegexOptions.CultureInvariant)]
    private static partial Regex TraceShape();
}
