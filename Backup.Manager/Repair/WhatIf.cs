using Backup.Manager.Collection;
using Backup.Manager.Redis;
using Backup.Protocol;
using Microsoft.Extensions.Options;

namespace Backup.Manager;

/// <summary>Says what the death of a node would mean. It looks at every file, some thousands for each question, and changes nothing.</summary>
public sealed class WhatIf(Metadata metadata, ClusterView view, FileWalk walk, Drops drops, IOptions<ClusterOptions> options)
{
    /// <summary>Of <see cref="Limits.ListPageMax"/> files each: a node waits ten seconds for an answer, and these take less than one on a machine that is busy.</summary>
    public const int PagesPerCall = 20;

    /// <summary>Before anything was ever copied here: a slow disk, and an fsync for each version.</summary>
    private const double CautiousBytesPerSecond = 20 << 20, CautiousVersionsPerSecond = 100;

    public async Task<WhatIfReply> AskAsync(WhatIfRequest request, CancellationToken ct)
    {
        var now = await view.ReadAsync(ct);
        var node = now.Nodes.FirstOrDefault(node => node.Id == request.Node)
            ?? throw new Failure(FailureCode.NotFound, $"There is no node {request.Node}.", request.Node.Value ?? "client", "`cluster status` lists the nodes.").Exception();
        var alive = now.Nodes.Where(other => other.State != NodeState.Dead && other.Id != node.Id).ToDictionary(other => other.Id);
        var place = request.From ?? new WhatIfPlace("", "", 0, 0, 0);
        var isAtEnd = false;
        for (var pages = 0; pages < PagesPerCall && !isAtEnd; pages++)
        {
            var page = await walk.NextAsync(place.Client, place.Path, Limits.ListPageMax, ct);
            isAtEnd = page is null;
            if (page is not null)
                place = Count(await VersionsAsync(page, ct), node, alive, place with { Client = page.NextClient, Path = page.NextPath });
        }
        var pass = now.Repair;
        var isMeasured = pass is { CopyMs: > 0, Copied: > 0, Bytes: > 0 };
        var bytesPerSecond = isMeasured ? pass.Bytes * 1000.0 / pass.CopyMs : CautiousBytesPerSecond;
        var versionsPerSecond = isMeasured ? pass.Copied * 1000.0 / pass.CopyMs : CautiousVersionsPerSecond;
        var seconds = Math.Max(place.BytesToCopy / bytesPerSecond, (place.VersionsUnderCopied - place.VersionsLost) / versionsPerSecond);
        var taking = now.Nodes.Count(other => other.State == NodeState.Alive && other.Id != node.Id);
        return new WhatIfReply(node.Id, node.Files, place.VersionsUnderCopied, place.VersionsLost, place.BytesToCopy, seconds, taking >= options.Value.Copies, isAtEnd ? null : place);
    }

    private WhatIfPlace Count(IEnumerable<FileVersion> versions, NodeView node, Dictionary<NodeId, NodeView> alive, WhatIfPlace place)
    {
        foreach (var version in versions)
        {
            if (!version.Nodes.Contains(node.Id) || node.Line.IncarnationEpoch > version.Epoch)
                continue;
            var left = version.Nodes.Count(id => alive.TryGetValue(id, out var other) && other.Line.IncarnationEpoch <= version.Epoch);
            if (left >= options.Value.Copies)
                continue;
            place = place with
            {
                VersionsUnderCopied = place.VersionsUnderCopied + 1,
                VersionsLost = place.VersionsLost + (left == 0 ? 1 : 0),
                BytesToCopy = place.BytesToCopy + (left == 0 ? 0 : version.SizeBytes),
            };
        }
        return place;
    }

    private async Task<IEnumerable<FileVersion>> VersionsAsync(WalkedPage page, CancellationToken ct)
    {
        if (page.DroppedId is { } id)
            return (await drops.ReadAsync(page.Client, id, ct)).SelectMany(file => FileLines.All(file.Path, file.Value));
        RootedPath[] paths = [.. page.Paths.Select(name => RootedPath.Parse(name))];
        var values = await metadata.ReadManyAsync([.. paths.Select(path => Keys.File(page.Client, path))], ct);
        return paths.Zip(values).Where(pair => pair.Second is not null).SelectMany(pair => FileLines.All(pair.First, pair.Second!));
    }
}
