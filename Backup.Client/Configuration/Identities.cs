using System.Text.Json;
using Backup.Protocol;

namespace Backup.Client;

/// <summary>Which client owns which root.</summary>
internal sealed record Identity(string Root, ClientId Id);

internal sealed record IdentityFile(Identity[] Clients);

/// <summary>
/// The identities of this user's roots. One belongs to one root directory, by its full path: two roots never mix, and a root
/// that is moved needs its id named once (<c>--client</c>), as does another machine.
/// </summary>
internal static class Identities
{
    private const string FileName = "clients.json";
    private const int LockTries = 50;
    private static readonly TimeSpan LockPause = TimeSpan.FromMilliseconds(20);

    public static ClientId? Find(Surroundings surroundings, string root)
    {
        foreach (var identity in Read(FilePath(surroundings)))
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
        var all = Read(path);
        var mine = all.FirstOrDefault(identity => identity.Root == root);
        if (mine is not null && id is null)
            return mine.Id;
        var made = new Identity(root, id ?? ClientId.New());
        var file = new IdentityFile([.. all.Where(identity => identity.Root != root), made]);
        PrivateFile.Write(path, JsonSerializer.SerializeToUtf8Bytes(file, ConfigurationJson.Default.IdentityFile));
        return made.Id;
    }

    private static string FilePath(Surroundings surroundings) => Path.Join(UserFolders.Configuration(surroundings), FileName);

    private static Identity[] Read(string path)
    {
        try
        {
            return File.Exists(path)
                ? JsonSerializer.Deserialize(File.ReadAllBytes(path), ConfigurationJson.Default.IdentityFile)?.Clients ?? []
                : [];
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            // Making a new identity here would silently cut the root off from everything it has stored.
            throw new Failure(FailureCode.LocalFailed, $"'{path}' cannot be read: {e.Message.TrimEnd('.')}.", path,
                "Repair it, or restore it from a backup; it says which client id each root has.").Exception(e);
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
