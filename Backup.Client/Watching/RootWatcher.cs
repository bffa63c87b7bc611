namespace Backup.Client;

/// <summary>
/// Tells that something changed somewhere in the root. That is all that is taken from the system's events: they may be lost,
/// doubled or out of order, and a pass over the root finds out what it was.
/// </summary>
internal sealed class RootWatcher : IDisposable
{
    /// <summary>The largest that the platforms take; when it overflows a pass is made, as for any change.</summary>
    private const int BufferBytes = 64 << 10;

    private readonly Action changed;
    private readonly Action<string> blind;
    private readonly FileSystemWatcher? watcher;
    private int isBlind;

    /// <param name="changed">May be called from any thread.</param>
    /// <param name="blind">Is called, once, when changes cannot be seen any more, with the reason.</param>
    public RootWatcher(string root, Action changed, Action<string> blind)
    {
        (this.changed, this.blind) = (changed, blind);
        try
        {
            watcher = new FileSystemWatcher(root)
            {
                IncludeSubdirectories = true,
                InternalBufferSize = BufferBytes,
                NotifyFilter = NotifyFilters.FileName | NotifyFilters.DirectoryName | NotifyFilters.LastWrite | NotifyFilters.Size | NotifyFilters.Attributes,
            };
            watcher.Changed += (_, _) => changed();
            watcher.Created += (_, _) => changed();
            watcher.Deleted += (_, _) => changed();
            watcher.Renamed += (_, _) => changed();
            watcher.Error += (_, e) => OnError(e.GetException());
            watcher.EnableRaisingEvents = true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            GoBlind(e.Message);
        }
    }

    public void Dispose() => watcher?.Dispose();

    private void OnError(Exception e)
    {
        // Too many events at once are events, and a folder that vanished while it was looked at is one too.
        if (e is InternalBufferOverflowException or DirectoryNotFoundException or FileNotFoundException)
            changed();
        else
            GoBlind(e.Message);
    }

    private void GoBlind(string why)
    {
        if (Interlocked.Exchange(ref isBlind, 1) == 0)
            blind(why.Split('\n')[0].TrimEnd('.', ' '));
    }
}
