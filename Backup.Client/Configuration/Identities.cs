using System.Text.Json;
using Backup.Protocol;

namespace Backup.Client;

/// <summary>Which client owns which root.</summary>
internal sealed record Identity(string Root, ClientId Id);

/// <summary>A token of a client, and the servers through which it was had: no other server is ever shown it.</summary>
internal sealed record KeptToken(ClientId Client, string[] Servers, string Token);

/// <summary>The master key of a client that encrypts.</summary>
internal sealed record KeptKey(ClientId Client, string Key);

internal sealed record IdentityFile(Identity[] Clients, KeptToken[]? Tokens = null, KeptKey[]? Keys = null);

/// <summary>
/// The identities of this user's roots. One belongs to one root directory, by its full path: two roots never mix, and a root
/// that is moved needs its id named once (<c>--client</c>), as does another machine.
/// </summary>
internal static class Identities
{
    private const string FileName = "clients.json";
    private const int LockTries = 50;
    private static readonly TimeSpan LockPause = TimeSpan.FromMilliseconds(20);

    /// <summary>One call; a cluster that does not answer for so long is asked by all.</summary>
    private static readonly TimeSpan EnrolTimeMax = TimeSpan.FromSeconds(20);

    /// <summary>For one client at one cluster; older ones are of clusters that were thrown away and made again.</summary>
    private const int TokensKept = 4;

    public static ClientId? Find(Surroundings surroundings, string root)
    {
        foreach (var identity in Read(FilePath(surroundings)).Clients)
        {
            if (identity.Root == root)
                return identity.Id;
        }
        return null;
    }

    /// <summary>The root's identity, made when it has none. <paramref name="id"/> gives it one that was made elsewhere.</summary>
    public static ClientId FindOrMake(Surroundings surroundings, string root, ClientId? id = null)
    {
        if (Find(surroundings, root) is { } known && (id is null || id == known))
            return known;
        var path = FilePath(surroundings);
        using var held = Lock(path + ".lock");
        var file = Read(path);
        var mine = file.Clients.FirstOrDefault(identity => identity.Root == root);
        if (mine is not null && id is null)
            return mine.Id;
        var made = new Identity(root, id ?? ClientId.New());
        Write(path, file with { Clients = [.. file.Clients.Where(identity => identity.Root != root), made] });
        return made.Id;
    }

    /// <summary>The client's tokens that were had through any of these servers, newest first.</summary>
    public static IReadOnlyList<AccessToken> Tokens(Surroundings surroundings, ClientId client, IReadOnlyList<Uri> servers)
    {
        var names = servers.Select(NameOf).ToList();
        return [.. (Read(FilePath(surroundings)).Tokens ?? []).Reverse().Where(kept => kept.Client == client && kept.Servers.Intersect(names).Any())
            .Select(kept => AccessToken.TryParse(kept.Token, out var token) ? token : null).OfType<AccessToken>()];
    }

    /// <summary>Of several processes that need a client's first token at once, one makes it.</summary>
    /// <returns>Null where that cannot be seen to: a token may then be refused that another process has not made known yet.</returns>
    public static async ValueTask<IDisposable?> AloneAsync(Surroundings surroundings, ClientId client, CancellationToken ct)
    {
        try
        {
            var started = surroundings.Time.GetTimestamp();
            while (surroundings.Time.GetElapsedTime(started) < EnrolTimeMax)
            {
                if (PrivateFile.TryLock(Path.Join(UserFolders.Cache(surroundings), client.ToString(), "enrolling")) is { } held)
                    return held;
                await Task.Delay(LockPause, surroundings.Time, ct);
            }
        }
        catch (FailureException)
        {
            // A folder that cannot be written to does not keep anybody from reading with a token that is there.
        }
        return null;
    }

    public static void Keep(Surroundings surroundings, AccessToken token, IReadOnlyList<Uri> servers)
    {
        var kept = new KeptToken(token.Client, [.. servers.Select(NameOf).Distinct()], token.Reveal());
        ChangeTokens(surroundings, tokens =>
        {
            var old = tokens.Where(other => other.Client == kept.Client && other.Servers.Intersect(kept.Servers).Any()).SkipLast(TokensKept - 1).ToHashSet();
            return [.. tokens.Where(other => !old.Contains(other)), kept];
        });
    }

    /// <summary>The client's master key; null where it does not encrypt, or its key is not here.</summary>
    public static Secret? Key(Surroundings surroundings, ClientId client)
    {
        var kept = (Read(FilePath(surroundings)).Keys ?? []).FirstOrDefault(kept => kept.Client == client);
        // Going on without it would store names and content as they are.
        return kept is null ? null : Secret.TryParse(kept.Key, out var key) ? key : throw new Failure(FailureCode.LocalFailed,
            $"The key of client {client} in '{FilePath(surroundings)}' is damaged.", FilePath(surroundings), "Remove it there; `key unlock` brings it back, with the passphrase or the recovery key.").Exception();
    }

    public static void KeepKey(Surroundings surroundings, ClientId client, Secret key) =>
        Change(surroundings, file => file with { Keys = [.. (file.Keys ?? []).Where(kept => kept.Client != client), new KeptKey(client, key.Reveal())] });

    public static void Drop(Surroundings surroundings, AccessToken token)
    {
        var text = token.Reveal();
        ChangeTokens(surroundings, tokens => [.. tokens.Where(kept => kept.Token != text)]);
    }

    /// <summary>All of this machine is one: a cluster on it has a port for each node, and whoever listens there could read the file anyway.</summary>
    private static string NameOf(Uri server) => server.IsLoopback ? "localhost" : server.Authority;

    private static void ChangeTokens(Surroundings surroundings, Func<KeptToken[], KeptToken[]> change) =>
        Change(surroundings, file => file with { Tokens = change(file.Tokens ?? []) });

    private static void Change(Surroundings surroundings, Func<IdentityFile, IdentityFile> change)
    {
        var path = FilePath(surroundings);
        using var held = Lock(path + ".lock");
        Write(path, change(Read(path)));
    }

    private static void Write(string path, IdentityFile file) => PrivateFile.Write(path, JsonSerializer.SerializeToUtf8Bytes(file, ConfigurationJson.Default.IdentityFile));

    private static string FilePath(Surroundings surroundings) => Path.Join(UserFolders.Configuration(surroundings), FileName);

    private static IdentityFile Read(string path)
    {
        try
        {
            return File.Exists(path)
                ? JsonSerializer.Deserialize(File.ReadAllBytes(path), ConfigurationJson.Default.IdentityFile) ?? new IdentityFile([])
                : new IdentityFile([]);
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            // Making a new identity here would silently cut the root off from everything it has stored.
            throw new Failure(FailureCode.LocalFailed, $"'{path}' cannot be read: {e.Message.TrimEnd('.')}.", path,
                "Repair it, or restore it from a backup; it says which client id each root has, and holds its tokens.").Exception(e);
        }
    }

    private static FileStream Lock(string path)
    {
        for (var i = 0; i < LockTries; i++)
        {
            if (PrivateFile.TryLock(path) is { } held)
                return held;
            Thread.Sleep(LockPause);
        }
        throw new Failure(FailureCode.Busy, $"'{path}' is held by another process.", path, "Try again; remove it if no other backup runs.").Exception();
    }
}
