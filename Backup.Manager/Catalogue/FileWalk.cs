using System.Text;
using Backup.Manager.Collection;
using Backup.Manager.Redis;
using Backup.Protocol;

namespace Backup.Manager;

/// <summary>Some files on the way through all of them.</summary>
/// <param name="Paths">Listed ones; empty where there are none.</param>
/// <param name="DroppedId">What was dropped under this id; null where it is about what is listed.</param>
/// <param name="NextClient">Where to go on, with <paramref name="NextPath"/>.</param>
public sealed record WalkedPage(ClientId Client, string[] Paths, string? DroppedId, string NextClient, string NextPath);

/// <summary>
/// The way through every version there is, one client after the other: first what is listed, and then what retention dropped and an
/// undo may bring back. In this order a drop meanwhile is met in one place or the other. A place on it is two texts, empty at the start.
/// </summary>
public sealed class FileWalk(Metadata metadata, Names names, Drops drops)
{
    /// <summary>Stands behind a client that is done with: sorts after it and before the next.</summary>
    private const string Done = "~";

    /// <summary>Where the way has come to what was dropped: the last id that was met follows. No path begins so.</summary>
    private const string Aside = "/";

    /// <returns>Null at the end.</returns>
    public async Task<WalkedPage?> NextAsync(string atClient, string atPath, int most, CancellationToken ct)
    {
        var next = (await metadata.ReadSetAsync(Keys.Clients, ct)).Where(each => string.CompareOrdinal(each, atClient) >= 0).Min(StringComparer.Ordinal);
        if (next is null)
            return null;
        var client = ClientId.Parse(next);
        var path = next == atClient ? atPath : "";
        if (!path.StartsWith(Aside, StringComparison.Ordinal))
        {
            var (page, _) = await names.ReadAsync(client, Encoding.UTF8.GetBytes(path), after: path.Length > 0, [], most, ct);
            return new WalkedPage(client, page, null, next, page.Length == most ? page[^1] : Aside);
        }
        return await drops.NextAsync(client, path[Aside.Length..], ct) is { } id
            ? new WalkedPage(client, [], id, next, Aside + id)
            : new WalkedPage(client, [], null, next + Done, "");
    }
}
