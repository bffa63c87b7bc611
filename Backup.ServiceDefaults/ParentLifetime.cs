using System.Runtime.InteropServices;
using Microsoft.Extensions.Hosting;

namespace Backup.ServiceDefaults;

/// <summary>
/// The life of a process that another one started: it ends when its parent says so (SIGTERM), and when its parent
/// is gone, however that came about.
/// </summary>
/// <remarks>
/// The parent holds the other end of this process's standard input and never writes. When the parent ends, by
/// <c>kill -9</c> too, the system closes that end and the read below returns. Unlike a signal on the parent's death
/// this works on every system and does not depend on which of the parent's threads started us.
/// Ctrl-C reaches every process of a terminal at once; it is left to the parent, which stops its children in order.
/// </remarks>
public sealed class ParentLifetime(IHostApplicationLifetime lifetime) : IHostLifetime, IDisposable
{
    /// <summary>Set to 1 by a parent that keeps our standard input open.</summary>
    public const string Variable = "BACKUP_EXIT_WITH_PARENT";

    private readonly List<PosixSignalRegistration> signals = [];

    /// <summary>Whether the parent of this process asked for it.</summary>
    public static bool Wanted => Environment.GetEnvironmentVariable(Variable) == "1";

    public Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        signals.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
        {
            signal.Cancel = true;
            lifetime.StopApplication();
        }));
        signals.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => signal.Cancel = true));
        // A thread of its own: a starved thread pool must not keep an orphan alive.
        new Thread(WaitForParentToEnd) { IsBackground = true, Name = "parent watch" }.Start();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => signals.ForEach(signal => signal.Dispose());

    private void WaitForParentToEnd()
    {
        using var input = Console.OpenStandardInput();
        var nothing = new byte[16];
        while (input.Read(nothing) > 0)
        {
        }

        lifetime.StopApplication();
    }
}
