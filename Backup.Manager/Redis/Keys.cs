using Backup.Protocol;

namespace Backup.Manager.Redis;

/// <summary>Every key the manager uses. Their contents are described in docs/formats.md and in the scripts that write them.</summary>
public static class Keys
{
    /// <summary>Zset node → number of files of which it holds a copy, reservations included.</summary>
    public const string Loads = "loads";

    /// <summary>Zset of the nodes that take new files, in the order of placement.</summary>
    public const string Candidates = "candidates";

    /// <summary>Zset node → end of its lease, Unix milliseconds.</summary>
    public const string Leases = "leases";

    /// <summary>Hash node → its line, see <see cref="NodeLine"/>.</summary>
    public const string Nodes = "nodes";

    /// <summary>Set of nodes that are being emptied.</summary>
    public const string Draining = "draining";

    /// <summary>Counter: one more at each registration.</summary>
    public const string Epoch = "epoch";

    /// <summary>Zset "client:operation" → expiry, Unix milliseconds.</summary>
    public const string Reservations = "reservations";

    /// <summary>Counter: entries of all reservations.</summary>
    public const string Reserved = "reserved";

    /// <summary>Set of clients that ever committed.</summary>
    public const string Clients = "clients";

    /// <summary>Zset "client version path" → copies owed.</summary>
    public const string Debts = "debts";

    /// <summary>Hash invitation's hash → "expiresMs scopes client|- tokenDays|-".</summary>
    public const string Invitations = "invitations";

    /// <summary>Counter: one more with each commit. Nodes remember it, and so tell when the metadata went back in time.</summary>
    public const string Generation = "generation";

    /// <summary>Hash: whether the metadata is lost and how far its rebuilding is, see library-rebuild.</summary>
    public const string Rebuild = "rebuild";

    /// <summary>Hash node → incarnation of what was read since the metadata was lost.</summary>
    public const string Inventoried = "inventoried";

    /// <summary>List of what the cluster noticed and did, newest first, see <see cref="Events"/>.</summary>
    public const string Events = "events";

    /// <summary>Counter: one more with each event.</summary>
    public const string EventSequence = "event-sequence";

    /// <summary>Hash subject → what was last said of it in events, see <see cref="NodeNotice"/>.</summary>
    public const string Noticed = "noticed";

    /// <summary>Hash: the pass of repair that runs or ran last, and what is asked of the next, see <see cref="RepairPass"/>.</summary>
    public const string Repair = "repair";

    /// <summary>Hash node → the condition that repair has seen to, see <see cref="NodeView.Condition"/>.</summary>
    public const string Healed = "healed";

    /// <summary>Hash node → the epoch in which it came back with an older data directory.</summary>
    public const string Stale = "stale";

    /// <summary>Hash node → how far its holdings were compared with what is placed on it: "client version", or "-" at the start.</summary>
    public const string Reconcile = "reconcile";

    /// <summary>Hash node → how many records it holds damaged; none for a sound one.</summary>
    public const string Damaged = "damaged";

    /// <summary>Hash client → <see cref="ClientStanding"/> as JSON.</summary>
    public const string Standings = "standings";

    /// <summary>Zset client → when its next backup is overdue, Unix milliseconds. Not those of which that was said.</summary>
    public const string Due = "due";

    /// <summary>Set of clients whose backup is overdue.</summary>
    public const string Overdue = "overdue";

    /// <summary>Set of clients whose last backup changed strangely much.</summary>
    public const string Unusual = "unusual";

    /// <summary>Hash address's digest → the last event that was posted there.</summary>
    public const string Webhooks = "webhooks";

    /// <summary>List, newest first, of "id run": the last runs of a client, see <see cref="ClientRun"/>.</summary>
    public static string Runs(ClientId client, RunKind kind) => $"runs:{client}:{kind.ToString().ToLowerInvariant()}";

    /// <summary>List, newest first, of "startMs lastMs files touched": the whole backups of a client, those close together as one, see <see cref="Alarms.Beat"/>.</summary>
    public static string Beats(ClientId client) => $"beats:{client}";

    /// <summary>Hash token's hash → its line, see <see cref="Access.TokenLine"/>.</summary>
    public static string Tokens(ClientId client) => $"tokens:{client}";

    /// <summary>Hash holder, until, token of a background duty.</summary>
    public static string Duty(string name) => $"duty:{name}";

    /// <summary>Zset "client id" → when what was dropped under this id goes for good, Unix milliseconds.</summary>
    public const string Drops = "drops";

    /// <summary>Set of ids: what retention dropped of a client and an undo still brings back.</summary>
    public static string Undoable(ClientId client) => $"undoable:{client}";

    /// <summary>Hash path → lines of versions that were dropped, "/name" → a snapshot that was.</summary>
    public static string Dropped(ClientId client, string id) => $"dropped:{client}:{id}";

    /// <summary>Hash version, timeMs, generation, moments of a client; bytes: the sizes of all its versions that no node has forgotten; quota: how much that may be.</summary>
    public static string Seq(ClientId client) => $"seq:{client}";

    /// <summary>What precedes the path in the key of a file's value.</summary>
    public static string FilePrefix(ClientId client) => $"f:{client}:";

    /// <summary>String: the versions of a file, see <see cref="FileLines"/>.</summary>
    public static string File(ClientId client, RootedPath path) => $"f:{client}:{path.Value}";

    /// <summary>List of the leaves after the first, see <see cref="NameLeaves"/>.</summary>
    public static string Leaves(ClientId client) => $"leaves:{client}";

    /// <summary>Zset, all scores 0: the names in one leaf.</summary>
    public static string Leaf(ClientId client, int leaf) => $"names:{client}:{leaf}";

    /// <summary>String ",node,node,": where content that starts with this chunk was stored last.</summary>
    public static string First(ClientId client, ChunkId chunk) => $"first:{client}:{chunk}";

    /// <summary>Member of <see cref="Reservations"/>.</summary>
    public static string Member(ClientId client, string operation) => $"{client}:{operation}";

    /// <summary>Hash path → what was reserved for it.</summary>
    public static string Reservation(string member) => $"res:{member}";

    /// <summary>Hash name → "timeMs automatic pinnedUntilMs|-": the named moments of a client.</summary>
    public static string Snapshots(ClientId client) => $"snapshots:{client}";
}
