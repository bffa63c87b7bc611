using System.CommandLine;

namespace Backup.Client;

/// <summary><c>retention</c>: what is kept of the past.</summary>
internal sealed class RetentionCommand : Command
{
    public RetentionCommand() : base("retention", "Decide which snapshots stay, and drop what none of them shows")
    {
        Add(new RetentionPreviewCommand());
        Add(new RetentionApplyCommand());
        Add(new RetentionUndoCommand());
        this.SetAction(_ => (int)ExitCode.Usage);
    }
}
