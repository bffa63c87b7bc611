using System.CommandLine;

namespace Backup.Client;

/// <summary><c>snapshot</c>: names for moments.</summary>
internal sealed class SnapshotCommand : Command
{
    public SnapshotCommand() : base("snapshot", "Name moments, to come back to them with --as-of NAME")
    {
        Add(new SnapshotCreateCommand());
        Add(new SnapshotListCommand());
        Add(new SnapshotDeleteCommand());
        this.SetAction(_ => (int)ExitCode.Usage);
    }
}
