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
    private EncryptedClients? encrypted;
    private bool isToldOfUnreadable;

    /// <summary>Several calls may wait at the same time for the same reason: it is said once.</summary>
    private static readonly TimeSpan TellAgainTime = TimeSpan.FromSeconds(10);

    public Surroundings Surroundings => surroundings;

    /// <summary>Something redraws itself in the terminal: lines go through its console, which puts them above.</summary>
    public bool IsRedrawing { get; set; }

    public GlobalChoices Choices { get; } = choices;

    public Settings Settings => settings ??= Load();

    private Settings Load()
    {
        var loaded = Settings.Load(surroundings, Choices);
        if (loaded.Authority is { } authority)
            Trust.Use(authority);
        return loaded;
    }

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
    public ClusterConnection ConnectToPreview() => cluster ??= KnownClient is { } known ? Connect(known) : ConnectAsGuest(ClientId.Nobody);

    /// <summary>For the key of a client that encrypts: names go as they are, and nothing is refused.</summary>
    /// <param name="makeClient">Gives a root an identity that has none.</param>
    public ClusterConnection ConnectForKey(bool makeClient)
    {
        var client = makeClient ? Settings.Client ?? Identities.FindOrMake(surroundings, RootPath) : ConnectToRead().Client;
        return Connect(client, ProofOf(client), isForKey: true);
    }

    /// <summary>For what concerns no client: with the root's token where it has one.</summary>
    public ClusterConnection ConnectAsNobody() => nobodys ??= Connect(ClientId.Guest, NobodysProof);

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

    private ClusterConnection Connect(ClientId client) => Connect(client, ProofOf(client));

    /// <summary>The token given, or the root's where it has one.</summary>
    private IProof? NobodysProof => GivenToken is { } given ? Shown.Token(given) : Settings.Root is not null && KnownClient is { } known && HasToken(known) ? ProofOf(known) : null;

    /// <summary>Without a token, unless one is given: on loopback in the development setting that shows what concerns everybody.</summary>
    private ClusterConnection ConnectAsGuest(ClientId client) => GivenToken is { } token ? Connect(token.Client, Shown.Token(token)) : Connect(client, null);

    private ClusterConnection Connect(ClientId client, IProof? proof, bool isForKey = false)
    {
        var key = isForKey || client == ClientId.Guest || client == ClientId.Nobody ? null : Identities.Key(surroundings, client);
        limit ??= Settings.BytesPerSecond is { } bytes ? new SendLimit(bytes) : null;
        return new ClusterConnection(Settings.Servers, client, new NodeClients(proof is null ? null : new ProvingNetwork(proof)))
        {
            Waiting = TellOfWaiting,
            Limit = limit,
            Cipher = key is null ? null : new ClientCipher(client, key),
            Encrypted = key is not null || isForKey ? null : encrypted ??= new EncryptedClients(surroundings.Time),
            Unreadable = TellOfUnreadable,
        };
    }

    /// <summary>The token given for this run, or those kept, or a new one: the first that the cluster takes.</summary>
    private IProof ProofOf(ClientId client)
    {
        if (GivenToken is { } given)
        {
            return given.Client == client ? Shown.Token(given) : throw new Failure(FailureCode.InvalidRequest,
                $"The token in BACKUP_TOKEN is of client {given.Client}, and the files are of client {client}.", "client", $"Pass --client {given.Client}, or take BACKUP_TOKEN away.").Exception();
        }
        var servers = Settings.Servers;
        return new Enrolment(client, new KeptTokens(() => Identities.Tokens(surroundings, client, servers),
            token => Identities.Keep(surroundings, token, servers), token => Identities.Drop(surroundings, token), ct => Identities.AloneAsync(surroundings, client, ct)), GivenInvitation);
    }

    /// <summary>One server by itself, as <see cref="ConnectAsNobody"/> asks any.</summary>
    public INode AskAsNobody(Uri server) => new NodeClients(NobodysProof is { } proof ? new ProvingNetwork(proof) : null).At(server);

    private bool HasToken(ClientId client) => GivenToken is not null || Identities.Tokens(surroundings, client, Settings.Servers).Count > 0;

    /// <summary>Never an argument: those are seen by everybody on the machine.</summary>
    private AccessToken? GivenToken => surroundings.Variable("BACKUP_TOKEN") is not { } text ? null : AccessToken.TryParse(text, out var token) ? token
        : throw new Failure(FailureCode.InvalidRequest, "BACKUP_TOKEN is no token.", "client", "Check that it was copied whole.").Exception();

    private Secret? GivenInvitation => surroundings.Variable("BACKUP_INVITATION") is not { } text ? null : Secret.TryParse(text, out var invitation) ? invitation
        : throw new Failure(FailureCode.InvalidRequest, "BACKUP_INVITATION is no invitation.", "client", "Check that it was copied whole.").Exception();

    private void TellOfUnreadable(string name)
    {
        if (isToldOfUnreadable)
            return;
        isToldOfUnreadable = true;
        Say($"warning: something is stored under a name that was not made with this client's key, and is left out: {name}");
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
