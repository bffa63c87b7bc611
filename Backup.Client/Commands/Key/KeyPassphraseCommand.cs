namespace Backup.Client;

/// <summary><c>key passphrase</c></summary>
internal sealed class KeyPassphraseCommand() : CommandLineCommand("passphrase", "Change the passphrase, on a machine that has the key", """
    Examples:
      Backup.Client key passphrase

    Asks for the new one, or takes it from BACKUP_NEW_PASSPHRASE. Files are not
    encrypted anew: whoever had the old passphrase and a copy of the stored key from
    before can still read them. The recovery key stays as it is.
    """)
{
    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var passphrase = await Unlocking.NewPassphraseAsync(run.Session, KeyCommand.NewPassphraseVariable, ct);
        await new Unlocking(run.Session).RewrapAsync((file, masterKey) => file.WithPassphrase(masterKey, passphrase), ct);
        run.Report.Json(new KeyShape(run.Session.KnownClient!.Value.ToString(), true, true), OutputJson.Default.KeyShape);
        run.Report.Summary("the passphrase is changed");
        return ExitCode.Done;
    }
}
