using Backup.Protocol;
using Backup.Storage.Packs;

namespace Backup.Storage.Scrub;

/// <summary>How this node's copies of versions are: whole or not, damaged or not, and when all of one was last read and found good.</summary>
public sealed class CopyStates(PackStore store)
{
    public async Task<CopiesReply> ReadAsync(ClientId client, CopiesRequest request, CancellationToken ct)
    {
        if (request.Versions.Length > Limits.FilesPerCallMax)
            throw Failure.InvalidRequest($"At most {Limits.FilesPerCallMax} versions are asked for at once.").Exception();
        var verified = store.Index.Packs().ToDictionary(pack => pack.Number, pack => pack.VerifiedMs);
        var states = new List<CopyState>(request.Versions.Length);
        foreach (var version in request.Versions)
            states.Add(await StateAsync(client, version, verified, ct));
        return new CopiesReply([.. states]);
    }

    private async Task<CopyState> StateAsync(ClientId client, long version, Dictionary<int, long> verified, CancellationToken ct)
    {
        long? oldest = null;
        var (lacking, damaged) = (false, false);
        await foreach (var part in VersionParts.FindAsync(store, client, version, readAll: false, ct))
        {
            lacking |= !part.IsHeld;
            damaged |= !part.IsHeld && store.Index.IsDamaged(part.Key);
            // A pack begun since the packs were listed is newer than all of them.
            if (part.IsHeld && verified.TryGetValue(part.Pack, out var since))
                oldest = Math.Min(oldest ?? long.MaxValue, since);
        }
        var held = oldest is not null && !lacking;
        return new CopyState(version, held, damaged, held ? oldest : null);
    }
}
