using System.Text;
using Backup.Manager.Redis;
using Backup.Protocol;
using Microsoft.Extensions.Options;

namespace Backup.Manager;

/// <summary>Says what the death of a node would mean. It looks at every file, and changes nothing.</summary>
public sealed class WhatIf(Metadata metadata, ClusterView view, Names names, IOptions<ClusterOptions> options)
{
    /// <summary>Before anything was ever copied here: a slow disk, and an fsync for each version.</summary>
    private const double CautiousBytesPerSecond = 20 << 20, CautiousVersionsPerSecond = 100;

    public async Task<WhatIfReply> AskAsync(WhatIfRequest request, CancellationToken ct)
    {
        var now = await view.ReadAsync(ct);
        var node = now.Nodes.FirstOrDefault(node => node.Id == request.Node)
            ?? throw new Failure(FailureCode.NotFound, $"There is no node {request.Node}.", request.Node.Value ?? "client", "`cluster status` lists the nodes.").Exception();
        var alive = now.Nodes.Where(other => other.State != NodeState.Dead && other.Id != node.Id).ToDictionary(other => other.Id);
        long underCopied = 0, lost = 0, bytes = 0;
        foreach (var client in await metadata.ReadSetAsync(Keys.Clients, ct))
        {
            await foreach (var version in VersionsAsync(ClientId.Parse(client), ct))
            {
                if (!version.Nodes.Contains(node.Id) || node.Line.IncarnationEpoch > version.Epoch)
                    continue;
                var left = version.Nodes.Count(id => alive.TryGetValue(id, out var other) && other.Line.IncarnationEpoch <= version.Epoch);
                if (left >= options.Value.Copies)
                    continue;
                underCopied++;
                lost += left == 0 ? 1 : 0;
                bytes += left == 0 ? 0 : version.SizeBytes;
            }
        }
        var pass = now.Repair;
        var isMeasured = pass is { CopyMs: > 0, Copied: > 0, Bytes: > 0 };
        var bytesPerSecond = isMeasured ? pass.Bytes * 1000.0 / pass.CopyMs : CautiousBytesPerSecond;
        var versionsPerSecond = isMeasured ? pass.Copied * 1000.0 / pass.CopyMs : CautiousVersionsPerSecond;
        var seconds = Math.Max(bytes / bytesPerSecond, (underCopied - lost) / versionsPerSecond);
        var taking = now.Nodes.Count(other => other.State == NodeState.Alive && other.Id != node.Id);
        return new WhatIfReply(node.Id, node.Files, underCopied, lost, bytes, seconds, taking >= options.Value.Copies);
    }

    private async IAsyncEnumerable<FileVersion> VersionsAsync(ClientId client, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
    {
        byte[] from = [];
        while (true)
        {
            var (page, _) = await names.ReadAsync(client, from, after: from.Length > 0, [], Limits.ListPageMax, ct);
            RootedPath[] paths = [.. page.Select(name => RootedPath.Parse(name))];
            var values = await metadata.ReadManyAsync([.. paths.Select(path => Keys.File(client, path))], ct);
            foreach (var (path, value) in paths.Zip(values))
            {
                foreach (var version in value is null ? [] : FileLines.All(path, value))
                    yield return version;
            }
            if (page.Length < Limits.ListPageMax)
                yield break;
            from = Encoding.UTF8.GetBytes(page[^1]);
        }
    }
}
