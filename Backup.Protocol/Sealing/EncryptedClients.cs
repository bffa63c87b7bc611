using System.Collections.Concurrent;

namespace Backup.Protocol;

/// <summary>
/// Who encrypts. An encrypting client has one file under a name that is not encrypted, its key wrapped by a passphrase: that
/// file is how anybody who has no key knows that names and content are not for him, and must not store plain ones beside them.
/// </summary>
public sealed class EncryptedClients(TimeProvider time)
{
    /// <summary>Where the wrapped key is stored. No root may have a file of this name, and no encrypted name can be it.</summary>
    public static readonly RootedPath KeyPath = RootedPath.Parse(".backup-cluster-key");

    /// <summary>How long a client is known to store in the clear. Only one that has nothing stored can begin to encrypt.</summary>
    private static readonly TimeSpan PlainTime = TimeSpan.FromMinutes(1);

    private const int ClientsHeldMax = 10_000;

    private readonly ConcurrentDictionary<ClientId, long> plainSince = new();

    /// <exception cref="FailureException">The client encrypts, and whoever asks has not its key.</exception>
    public async ValueTask RefuseAsync(ICatalogue catalogue, ClientId client, CancellationToken ct)
    {
        if (plainSince.TryGetValue(client, out var since) && time.GetElapsedTime(since) < PlainTime)
            return;
        if ((await catalogue.LookupAsync(client, new LookupRequest([KeyPath]), ct)).Files[0] is not null)
            throw KeyNeeded(client).Exception();
        if (plainSince.Count >= ClientsHeldMax)
            plainSince.Clear();
        plainSince[client] = time.GetTimestamp();
    }

    public static Failure KeyNeeded(ClientId client) => new(FailureCode.KeyNeeded,
        $"The files of client {client} are encrypted at the client, and the key is not here.", "client",
        "Use the client on a machine that has the key; `key unlock` brings it to another one, with the passphrase or the recovery key.");
}
