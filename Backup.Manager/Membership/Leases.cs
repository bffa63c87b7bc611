namespace Backup.Manager;

/// <summary>How long things that must be renewed stay valid.</summary>
public static class Leases
{
    /// <summary>How often a node renews its lease. A thousand nodes make 500 short scripts a second of it, a tenth of what Redis runs.</summary>
    public static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(2);

    /// <summary>Three heartbeats: one may be lost and one late before a node counts as dead.</summary>
    public static readonly TimeSpan Node = 3 * Heartbeat;

    /// <summary>A place that is neither committed nor asked for again within this is given back. The largest segment needs a minute on a bad line.</summary>
    public static readonly TimeSpan Reservation = TimeSpan.FromMinutes(15);

    /// <summary>How long a background duty stays with a manager that does not renew it: a crashed one is replaced within it.</summary>
    public static readonly TimeSpan Duty = TimeSpan.FromSeconds(30);
}
