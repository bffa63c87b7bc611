using System.CommandLine;
using Backup.Protocol;

namespace Backup.Client;

/// <summary><c>key unlock</c></summary>
internal sealed class KeyUnlockCommand : CommandLineCommand
{
    private readonly Option<bool> recovery = new("--recovery") { Description = "With the recovery key instead of the passphrase" };
    private readonly Option<long?> version = new("--version") { Description = "An earlier version of the stored key", HelpName = "N" };

    private readonly Option<string?> from = new("--from") { Description = "The stored key is in this file: without a cluster", HelpName = "FILE" };

    public KeyUnlockCommand() : base("unlock", "Bring the key to this machine, with the passphrase or the recovery key", """
        Examples:
          Backup.Client --client ID key unlock
          Backup.Client --client ID key unlock --recovery

        Asks for the passphrase, or takes it from BACKUP_PASSPHRASE; the recovery key
        from BACKUP_RECOVERY_KEY. The key is then kept in clients.json, which only its
        owner may read.
        """)
    {
        Add(recovery);
        Add(version);
        Add(from);
    }

    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var unlocking = new Unlocking(run.Session);
        var (open, what) = await OpeningAsync(run, ct);
        if (run.Parsed.GetValue(from) is { } path)
        {
            unlocking.UnlockFrom(path, open, what);
            run.Report.Summary("the key is here now");
            return ExitCode.Done;
        }
        await unlocking.UnlockAsync(open, what, run.Parsed.GetValue(version), ct);
        run.Report.Json(new KeyShape(run.Session.KnownClient!.Value.ToString(), true, true), OutputJson.Default.KeyShape);
        run.Report.Summary("the key is here now");
        return ExitCode.Done;
    }

    private async Task<(Func<KeyFile, Secret?> Open, string What)> OpeningAsync(Invocation run, CancellationToken ct)
    {
        if (run.Parsed.GetValue(recovery))
        {
            var key = RecoveryKey.Parse(await Unlocking.PassphraseAsync(run.Session, KeyCommand.RecoveryKeyVariable, "The recovery key?", ct));
            return (file => file.OpenByRecoveryKey(key), "recovery key");
        }
        var passphrase = await Unlocking.PassphraseAsync(run.Session, KeyCommand.PassphraseVariable, "The passphrase?", ct);
        return (file => file.OpenByPassphrase(passphrase), "passphrase");
    }
}
