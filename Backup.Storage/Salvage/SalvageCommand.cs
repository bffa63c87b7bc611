using Backup.Protocol;
using Backup.Storage.Packs;

namespace Backup.Storage.Salvage;

/// <summary>
/// <c>salvage DIR --to OUT</c>: writes every version out of one node's data directory, with no manager, no Redis and no network.
/// It reads the packs only. Each version stands at <c>OUT/CLIENT/versions/vNUMBER/PATH</c>, and the newest of each path,
/// unless it was deleted, at <c>OUT/CLIENT/newest/PATH</c> too, as a second name of the same file. What was encrypted at the client
/// takes that client's key, which <c>--keys</c> finds in its clients.json; what was not comes out without.
/// </summary>
public static class SalvageCommand
{
    public const int AllWhole = 0;
    public const int NotStarted = 1;
    public const int SomethingDamaged = 2;

    private const string Usage = "usage: Backup.Storage salvage DIR --to OUT [--keys FILE]\n  DIR   a node's data directory\n  OUT   a folder that is empty or not there yet\n  FILE  the clients.json of a client that encrypts";

    /// <summary>The words after <c>salvage</c>.</summary>
    public static Task<int> RunAsync(string[] args, TextWriter output, TextWriter error, CancellationToken ct) => args switch
    {
        [var directory, "--to", var to] => RunAsync(directory, to, null, output, error, ct),
        ["--to", var to, var directory] => RunAsync(directory, to, null, output, error, ct),
        [var directory, "--to", var to, "--keys", var keys] => RunAsync(directory, to, keys, output, error, ct),
        _ => RefuseAsync(error, Usage),
    };

    /// <param name="keys">A clients.json; null for none.</param>
    /// <returns><see cref="AllWhole"/>, <see cref="NotStarted"/> or <see cref="SomethingDamaged"/>.</returns>
    public static async Task<int> RunAsync(string directory, string to, string? keys, TextWriter output, TextWriter error, CancellationToken ct)
    {
        if (!Directory.Exists(PackFiles.Folder(directory)))
            return await RefuseAsync(error, $"'{directory}' is no node's data directory: it has no folder 'packs'.");
        if (File.Exists(to) || (Directory.Exists(to) && Directory.EnumerateFileSystemEntries(to).Any()))
            return await RefuseAsync(error, $"'{to}' is not an empty folder.");
        try
        {
            var ciphers = keys is null ? [] : SalvageKeys.Read(keys);
            if (ciphers is null)
                return await RefuseAsync(error, $"'{keys}' is no client's clients.json, or holds no key.");
            Directory.CreateDirectory(to);
            using var index = new SalvageIndex(directory, Path.Combine(to, ".salvage-index.db"));
            using var run = new SalvageRun(index, directory, to, ciphers, error);
            await index.ReadPacksAsync(error, ct);
            await run.WriteAllAsync(ct);
            await output.WriteLineAsync($"{run.Written} versions written, {run.Tombstones} deletions, {run.Incomplete} versions damaged or incomplete, "
                + $"{run.Misplaced} not under 'newest', {index.DamagedPlaces} damaged places in the packs, {index.Records} records read.");
            foreach (var (client, versions) in run.Sealed)
            {
                await error.WriteLineAsync($"{versions} versions of client {client} are encrypted at the client and were left out. With its key they come out: --keys clients.json, "
                    + $"from a machine that has it. Without one, its passphrase or recovery key opens '{client}/newest/{EncryptedClients.KeyPath}', which has been written: `key unlock --from` that file makes a clients.json.");
            }
            return run.Sealed.Count + run.Incomplete + run.Misplaced + index.DamagedPlaces == 0 ? AllWhole : SomethingDamaged;
        }
        catch (Exception e) when (DiskFailure.Is(e))
        {
            await error.WriteLineAsync($"salvage stopped: {e.Message}");
            return NotStarted;
        }
    }

    private static async Task<int> RefuseAsync(TextWriter error, string why)
    {
        await error.WriteLineAsync(why);
        return NotStarted;
    }
}
