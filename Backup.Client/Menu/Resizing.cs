using System.Runtime.InteropServices;

namespace Backup.Client;

/// <summary>Tells when the terminal changes its size, where the system says so.</summary>
internal sealed class Resizing : IDisposable
{
    private readonly PosixSignalRegistration? registration;
    private TaskCompletionSource resized = NewSignal();

    public Resizing()
    {
        if (!OperatingSystem.IsWindows())
            registration = PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => Interlocked.Exchange(ref resized, NewSignal()).TrySetResult());
    }

    /// <summary>Completes at the next change.</summary>
    public Task NextAsync() => Volatile.Read(ref resized).Task;

    public void Dispose() => registration?.Dispose();

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
