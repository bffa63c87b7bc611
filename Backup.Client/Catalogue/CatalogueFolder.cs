using Backup.Protocol;

namespace Backup.Client;

/// <summary>Where a client's catalogue lies, and the lock that keeps two backups of one root apart.</summary>
internal sealed class CatalogueFolder(Surroundings surroundings, ClientId client)
{
    private readonly string folder = Path.Join(UserFolders.Cache(surroundings), client.ToString());

    public ClientId Client => client;

    /// <summary>What was stored when the last backup of the whole root ended.</summary>
    public string FilePath => Path.Join(folder, "catalogue");

    /// <summary>What the cluster lists now.</summary>
    public string ListedPath => Path.Join(folder, "listed");

    /// <summary>What is to be sent.</summary>
    public string PlanPath => Path.Join(folder, "plan");

    /// <summary>A folder for files that are fetched to be sent again.</summary>
    public string FetchedPath => Path.Join(folder, "fetched");

    /// <summary>A folder with a file for each large file that is being sent.</summary>
    public string UnderWayPath => Path.Join(folder, "underway");

    /// <exception cref="FailureException">Another backup of this root is under way.</exception>
    public IDisposable Lock() => PrivateFile.TryLock(Path.Join(folder, "lock")) ?? throw new Failure(FailureCode.Busy,
        "Another backup of this root is under way.", "client", "Wait until it has ended, then try again.").Exception();
}
