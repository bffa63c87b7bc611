using Backup.Protocol;

namespace Backup.Storage.Packs;

/// <summary>
/// The versions that open batches are about to give a manifest. A version has one content for ever: a second one is
/// refused before it is written, so that whoever rebuilds the index later finds no two that could both have been acknowledged.
/// Only its nodes may change: a file that is placed anew under way is sent with a manifest that names the new ones.
/// </summary>
internal sealed class VersionClaims
{
    private readonly Dictionary<(ClientId, long), (ChunkId Id, int Holders)> claims = [];
    private readonly Lock gate = new();

    /// <returns>False when another batch is giving this version other content.</returns>
    public bool TryClaim(ClientId client, long version, in ChunkId id)
    {
        lock (gate)
        {
            var isClaimed = claims.TryGetValue((client, version), out var claim);
            if (isClaimed && claim.Id != id)
                return false;
            claims[(client, version)] = (id, claim.Holders + 1);
            return true;
        }
    }

    public void Release(ClientId client, long version)
    {
        lock (gate)
        {
            var claim = claims[(client, version)];
            if (claim.Holders == 1)
                claims.Remove((client, version));
            else
                claims[(client, version)] = claim with { Holders = claim.Holders - 1 };
        }
    }
}
