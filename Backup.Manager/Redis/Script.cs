using System.Reflection;

namespace Backup.Manager.Redis;

/// <summary>
/// One Lua script, kept as a file of its own under Scripts and embedded. The texts of the libraries it uses are put in
/// front of it, since Redis has no modules.
/// </summary>
public sealed class Script
{
    private const string Nodes = "library-nodes";
    private const string Lines = "library-lines";
    private const string Order = "library-order";
    private const string Rebuild = "library-rebuild";
    private const string Fields = "library-fields";
    private const string Events = "library-events";

    public static readonly Script PlaceFiles = new("place-files", Nodes, Lines, Order);
    public static readonly Script CommitFiles = new("commit-files", Nodes, Lines);
    public static readonly Script ExpireReservation = new("expire-reservation", Nodes);
    public static readonly Script LeaseDuty = new("lease-duty");
    public static readonly Script RegisterNode = new("register-node", Nodes, Rebuild);
    public static readonly Script HeartbeatNode = new("heartbeat-node", Nodes, Rebuild);
    public static readonly Script DrainNode = new("drain-node", Nodes);
    public static readonly Script StatusCluster = new("status-cluster");
    public static readonly Script PageNames = new("page-names");
    public static readonly Script SplitNames = new("split-names");
    public static readonly Script AddEvents = new("add-events", Events);
    public static readonly Script ListEvents = new("list-events");
    public static readonly Script AskRepair = new("ask-repair");
    public static readonly Script SaveRepair = new("save-repair", Fields);
    public static readonly Script MoveCopies = new("move-copies", Nodes, Lines);
    public static readonly Script MoveDropped = new("move-dropped");
    public static readonly Script HealNodes = new("heal-nodes", Fields);
    public static readonly Script ReservedVersions = new("reserved-versions");
    public static readonly Script PutSnapshot = new("put-snapshot");
    public static readonly Script DropSnapshot = new("drop-snapshot");
    public static readonly Script ListSnapshots = new("list-snapshots");
    public static readonly Script EnrolClient = new("enrol-client");
    public static readonly Script KeepInvitation = new("keep-invitation");
    public static readonly Script RevokeToken = new("revoke-token");
    public static readonly Script ShowTokens = new("show-tokens");
    public static readonly Script UnnameSnapshots = new("unname-snapshots");
    public static readonly Script RetireVersions = new("retire-versions", Nodes, Lines);
    public static readonly Script RestoreDrop = new("restore-drop", Nodes, Lines);
    public static readonly Script BeginForget = new("begin-forget");
    public static readonly Script EndForget = new("end-forget", Nodes, Lines);
    public static readonly Script QuotaClient = new("quota-client");
    public static readonly Script NoteRun = new("note-run", Events);
    public static readonly Script JudgeClient = new("judge-client", Events);

    public static readonly Script DeclareRebuild = new("declare-rebuild", Nodes, Rebuild);
    public static readonly Script MarkRebuild = new("mark-rebuild");
    public static readonly Script ReturnMoments = new("return-moments");
    public static readonly Script MergeVersions = new("merge-versions", Nodes, Lines);

    private Script(string name, params string[] libraries)
    {
        Name = name;
        Text = string.Concat(libraries.Append(name).Select(Load));
    }

    /// <summary>The file's name without its extension.</summary>
    public string Name { get; }

    /// <summary>The text as Redis gets it.</summary>
    public string Text { get; }

    /// <summary>The verb, as spans name the call: "redis place".</summary>
    public string Verb => Name[..Name.IndexOf('-')];

    public override string ToString() => Name;

    private static string Load(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name + ".lua")
            ?? throw new InvalidOperationException($"The script {name}.lua is not embedded.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
