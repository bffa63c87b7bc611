using Backup.Protocol;

namespace Backup.Client;

/// <summary>What a person is told of a new key.</summary>
internal static class KeyText
{
    public static IEnumerable<string> Shown(Secret recoveryKey)
    {
        yield return $"recovery key: {RecoveryKey.Text(recoveryKey)}";
        yield return "It is shown this once. Write it down, and keep it away from this machine: without it, the passphrase and this machine nobody reads these backups again.";
    }
}
