namespace Backup.Client;

internal sealed class Menu(Session session)
{
    public Task<ExitCode> RunAsync(CancellationToken ct) => Task.FromResult(session.Choices.Json || ct.IsCancellationRequested ? ExitCode.Failed : ExitCode.Done);
}
