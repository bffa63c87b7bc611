using System.CommandLine;

namespace Backup.Client;

/// <summary><c>key</c>: the key of a client that encrypts.</summary>
internal sealed class KeyCommand : Command
{
    public const string PassphraseVariable = "BACKUP_PASSPHRASE";
    public const string NewPassphraseVariable = "BACKUP_NEW_PASSPHRASE";
    public const string RecoveryKeyVariable = "BACKUP_RECOVERY_KEY";

    public KeyCommand() : base("key", "Where backups are encrypted: bring the key here, change the passphrase")
    {
        Add(new KeyStatusCommand());
        Add(new KeyUnlockCommand());
        Add(new KeyPassphraseCommand());
        Add(new KeyRecoveryCommand());
        this.SetAction(_ => (int)ExitCode.Usage);
    }
}

/// <param name="Encrypted">Whether a key is stored for the client.</param>
/// <param name="Here">Whether this machine has it.</param>
/// <param name="RecoveryKey">A new one, shown this once.</param>
internal sealed record KeyShape(string Client, bool Encrypted, bool Here, string? RecoveryKey = null);
