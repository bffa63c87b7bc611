using Backup.Protocol;

namespace Backup.WebConsole.Watching;

/// <summary>The cluster at one moment, as all browsers see it.</summary>
/// <param name="Status">Null until it was first asked.</param>
/// <param name="Events">The last of them, oldest first.</param>
/// <param name="Failure">Why this picture is no newer; null while it is new.</param>
public sealed record ClusterPicture(ClusterStatus? Status, IReadOnlyList<ClusterEvent> Events, Failure? Failure)
{
    public static readonly ClusterPicture None = new(null, [], null);

    /// <summary>What somebody should look at.</summary>
    public int Alarms => (Status?.Problems.Length ?? 0) + (Failure is null ? 0 : 1);
}

/// <summary>
/// Looks at the cluster while at least one browser shows it, and tells all of them: ten browsers cost the cluster what one does.
/// </summary>
public sealed class ClusterWatch(ICatalogue catalogue, IOperator keeper, TimeProvider time) : IDisposable
{
    /// <summary>A heartbeat: nothing the manager knows changes faster.</summary>
    private static readonly TimeSpan Rhythm = TimeSpan.FromSeconds(2);

    /// <summary>What the pages show of the past; older events are in the traces and logs.</summary>
    private const int EventsMax = 200;

    private readonly Lock gate = new();
    private readonly List<Action> watchers = [];
    private CancellationTokenSource? looking;

    public ClusterPicture Now { get; private set; } = ClusterPicture.None;

    /// <param name="changed">Called from another thread whenever there is something new; must not throw.</param>
    /// <returns>Ends the watching.</returns>
    public IDisposable Watch(Action changed)
    {
        lock (gate)
        {
            watchers.Add(changed);
            if (looking is null)
            {
                looking = new CancellationTokenSource();
                _ = LookAsync(looking.Token);
            }
        }
        return new Watching(this, changed);
    }

    /// <summary>Looks now, after something was done.</summary>
    public async Task RefreshAsync(CancellationToken ct)
    {
        Now = await ReadAsync(ct);
        Tell();
    }

    public void Dispose() => looking?.Cancel();

    private void Leave(Action changed)
    {
        lock (gate)
        {
            watchers.Remove(changed);
            if (watchers.Count > 0)
                return;
            looking?.Cancel();
            looking = null;
        }
    }

    private async Task LookAsync(CancellationToken ct)
    {
        try
        {
            while (true)
            {
                await RefreshAsync(ct);
                await Task.Delay(Rhythm, time, ct);
            }
        }
        catch (OperationCanceledException)
        {
            // Nobody watches any more.
        }
    }

    private async Task<ClusterPicture> ReadAsync(CancellationToken ct)
    {
        try
        {
            return new ClusterPicture(await catalogue.ClusterAsync(ct), await EventsAsync(ct), null);
        }
        catch (FailureException e)
        {
            return Now with { Failure = e.Failure };
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Whatever it is, the pages say that they are not of now, and it is tried again.
            return Now with { Failure = new Failure(FailureCode.Internal, $"The cluster cannot be looked at: {e.Message.TrimEnd('.')}.", "manager", "Look at the manager's log.") };
        }
    }

    private async Task<IReadOnlyList<ClusterEvent>> EventsAsync(CancellationToken ct)
    {
        var known = Now.Events;
        var news = (await keeper.EventsAsync(new EventsRequest(known.Count == 0 ? 0 : known[^1].Sequence, EventsMax), ct)).Events;
        return news.Length == 0 ? known : [.. known.Concat(news).TakeLast(EventsMax)];
    }

    private void Tell()
    {
        Action[] all;
        lock (gate)
            all = [.. watchers];
        foreach (var changed in all)
            changed();
    }

    private sealed class Watching(ClusterWatch watch, Action changed) : IDisposable
    {
        public void Dispose() => watch.Leave(changed);
    }
}
