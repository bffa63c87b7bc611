using Backup.Protocol;
using Spectre.Console;

namespace Backup.Client;

/// <summary>What one run works with: where things are, who the client is, the connection. Each is made when it is first asked for.</summary>
internal sealed class Session(Surroundings surroundings, GlobalChoices choices) : IDisposable
{
    private Settings? settings;
    private ClusterConnection? cluster;
    private ClusterConnection? nobodys;
    private RootDirectory? root;
    private IAnsiConsole? console;
    private long? toldOfWaiting;
    private SendLimit? limit;

    /// <summary>Several calls may wait at the same time for the same reason: it is said once.</summary>
    private static readonly TimeSpan TellAgainTime = TimeSpan.FromSeconds(10);

    public Surroundings Surroundings => surroundings;

    /// <summary>Something redraws itself in the terminal: lines go through its console, which puts them above.</summary>
    public bool IsRedrawing { get; set; }

    public GlobalChoices Choices { get; } = choices;

    public Settings Settings => settings ??= Settings.Load(surroundings, Choices);

    /// <exception cref="FailureException">No root is named.</exception>
    public string RootPath => Settings.Root ?? throw new Failure(FailureCode.InvalidRequest, "No root directory is named.", "client",
        "Name one with --root DIR, BACKUP_ROOT, or \"root\" in backup.json.").Exception();

    /// <summary>The root as files to be read.</summary>
    public RootDirectory Root => root ??= RootDirectory.Open(RootPath);

    /// <summary>The id the root has, or is to have; null when it never had one.</summary>
    public ClientId? KnownClient => Settings.Client ?? Identities.Find(surroundings, RootPath);

    /// <summary>For reading what is stored.</summary>
    /// <exception cref="FailureException">This root was never backed up from here, so that nothing is known of it.</exception>
    public ClusterConnection ConnectToRead() => cluster ??= Connect(KnownClient ?? throw new Failure(FailureCode.NotFound,
        $"'{RootedPath.Escape(RootPath)}' has not been backed up from this machine.", "client",
        "Run `backup`; or, for a backup made elsewhere, pass its --client ID (`settings` shows it there).").Exception());

    /// <summary>For storing: a root that has no identity gets one.</summary>
    public ClusterConnection ConnectToWrite() => cluster ??= Connect(Settings.Client ?? Identities.FindOrMake(surroundings, RootPath));

    /// <summary>For a dry run: a root without an identity gets none.</summary>
    public ClusterConnection ConnectToPreview() => cluster ??= Connect(KnownClient ?? new ClientId(Guid.AllBitsSet));

    /// <summary>For what concerns no client.</summary>
    public ClusterConnection ConnectAsNobody() => nobodys ??= Connect(default);

    /// <summary>What a path argument means inside the root; empty for the root itself.</summary>
    public string Resolve(string argument) => PathArgument.Resolve(argument, RootPath, Settings.RootAsGiven!, surroundings.CurrentFolder);

    public IgnoreRules IgnoreRules() => Backup.Client.IgnoreRules.For(RootPath, Settings.Exclude, Settings.Include);

    /// <summary>For a person at a terminal.</summary>
    public IAnsiConsole Console => console ??= surroundings.MakeConsole(!Choices.NoColor);

    /// <summary>Goes before what the settings say; must be called before anybody connects.</summary>
    /// <exception cref="FailureException">It is no bandwidth.</exception>
    public void LimitTo(string? bandwidth) => limit = bandwidth is null ? limit : new SendLimit(Bandwidth.Parse(bandwidth));

    public void Dispose()
    {
        root?.Dispose();
        limit?.Dispose();
    }

    private ClusterConnection Connect(ClientId client)
    {
        limit ??= Settings.BytesPerSecond is { } bytes ? new SendLimit(bytes) : null;
        return new ClusterConnection(Settings.Servers, client) { Waiting = TellOfWaiting, Limit = limit };
    }

    private void TellOfWaiting(Uri server, Failure why)
    {
        lock (surroundings.Error)
        {
            if (toldOfWaiting is { } last && surroundings.Time.GetElapsedTime(last) < TellAgainTime)
                return;
            toldOfWaiting = surroundings.Time.GetTimestamp();
            Say($"waiting for {server.GetLeftPart(UriPartial.Authority)}: {RootedPath.Escape(why.Message)}");
        }
    }

    /// <summary>Tells the person something while a run is under way, without spoiling what redraws itself.</summary>
    public void Say(string line)
    {
        if (Choices.Quiet || Choices.Json)
            return;
        lock (surroundings.Error)
        {
            if (IsRedrawing)
                Console.WriteLine(line);
            else
                surroundings.Error.WriteLine(line);
        }
    }
}
