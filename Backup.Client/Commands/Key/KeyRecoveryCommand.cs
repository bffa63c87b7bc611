using Backup.Protocol;

namespace Backup.Client;

/// <summary><c>key recovery</c></summary>
internal sealed class KeyRecoveryCommand() : CommandLineCommand("recovery", "Make a new recovery key in the place of the old one", """
    Examples:
      Backup.Client key recovery

    For when the old one is lost. It is shown once: write it down, and keep it away
    from this machine.
    """)
{
    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var recoveryKey = Secret.New();
        await new Unlocking(run.Session).RewrapAsync((file, masterKey) => file.WithRecoveryKey(masterKey, recoveryKey), ct);
        run.Report.Json(new KeyShape(run.Session.KnownClient!.Value.ToString(), true, true, RecoveryKey.Text(recoveryKey)), OutputJson.Default.KeyShape);
        foreach (var line in KeyText.Shown(recoveryKey))
            run.Report.Line(line);
        return ExitCode.Done;
    }
}
