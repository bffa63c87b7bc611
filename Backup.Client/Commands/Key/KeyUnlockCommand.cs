using System.CommandLine;

namespace Backup.Client;

/// <summary><c>key unlock</c></summary>
internal sealed class KeyUnlockCommand : CommandLineCommand
{
    private readonly Option<bool> recovery = new("--recovery") { Description = "With the recovery key instead of the passphrase" };
    private readonly Option<long?> version = new("--version") { Description = "An earlier version of the stored key", HelpName = "N" };

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
    }

    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var unlocking = new Unlocking(run.Session);
        if (run.Parsed.GetValue(recovery))
        {
            var key = RecoveryKey.Parse(await Unlocking.PassphraseAsync(run.Session, KeyCommand.RecoveryKeyVariable, "The recovery key?", ct));
            await unlocking.UnlockAsync(file => file.OpenByRecoveryKey(key), "recovery key", run.Parsed.GetValue(version), ct);
        }
        else
        {
            var passphrase = await Unlocking.PassphraseAsync(run.Session, KeyCommand.PassphraseVariable, "The passphrase?", ct);
            await unlocking.UnlockAsync(file => file.OpenByPassphrase(passphrase), "passphrase", run.Parsed.GetValue(version), ct);
        }
        run.Report.Json(new KeyShape(run.Session.KnownClient!.Value.ToString(), true, true), OutputJson.Default.KeyShape);
        run.Report.Summary("the key is here now");
        return ExitCode.Done;
    }
}
