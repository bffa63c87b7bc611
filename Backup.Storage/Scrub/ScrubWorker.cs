using System.Diagnostics;
using Backup.Protocol;
using Backup.ServiceDefaults;
using Backup.Storage.Packs;

namespace Backup.Storage.Scrub;

/// <summary>
/// Reads every pack again and again, the one whose last verification is the oldest first, at a pace at which each is read twice
/// within the interval; and looks through all versions as often, for what is lacking of them. What is damaged or lacking is
/// repaired from the other copy, after each pack in which there was something.
/// </summary>
/// <param name="interval">Within this each pack is read.</param>
public sealed partial class ScrubWorker(PackStore store, VersionRepair repair, TimeSpan interval, TimeProvider time, ILogger<ScrubWorker> log) : Worker(time, log)
{
    /// <summary>Read in one step: a tenth of a second of an old disk.</summary>
    private const int SliceBytes = 8 << 20;

    /// <summary>Versions looked at in one step, some 10 ms.</summary>
    private const int VersionsPerStep = 100;

    private static readonly TimeSpan WaitMin = TimeSpan.FromMilliseconds(10);

    /// <summary>How late a changed clock or a new pack is noticed.</summary>
    private static readonly TimeSpan WaitMax = TimeSpan.FromMinutes(10);

    /// <summary>When what could not be repaired is tried again at the latest: the node that has it may be back.</summary>
    private static readonly TimeSpan RetryTimeMax = TimeSpan.FromHours(1);

    private readonly TimeProvider time = time;
    private readonly Queue<ClientId> clients = new();

    /// <summary>Packs that could not be opened. They are tried again after the next walk through all versions; the others are read meanwhile.</summary>
    private readonly HashSet<int> passedOver = [];
    private PackScrub? pack;
    private long lastVersion = long.MinValue;
    private DateTimeOffset? walked;
    private bool isLeft;
    private ActivityContext found;
    private TimeSpan wait;

    protected override TimeSpan IdleInterval => wait < WaitMin ? WaitMin : wait > WaitMax ? WaitMax : wait;

    /// <summary>Every step is followed by the pause that makes the pace, hence every step says Idle.</summary>
    public override async Task<WorkerStep> StepAsync(CancellationToken cancellationToken)
    {
        if (clients.Count > 0)
            await LookThroughAsync(clients.Peek(), cancellationToken);
        else if (pack is not null)
            await ReadOnAsync(pack, cancellationToken);
        else if (walked is null || time.GetUtcNow() - walked > interval / 2)
        {
            (walked, wait, found) = (time.GetUtcNow(), Enqueue(store.Index.Clients), default);
            passedOver.Clear();
        }
        else
            Choose();
        return WorkerStep.Idle;
    }

    public override void Dispose()
    {
        pack?.Dispose();
        base.Dispose();
    }

    /// <summary>Some versions of a client: what is lacking or damaged of them is repaired.</summary>
    private async Task LookThroughAsync(ClientId client, CancellationToken ct)
    {
        wait = TimeSpan.FromMilliseconds(100);
        var versions = store.Index.ManifestsAfter(client, lastVersion, VersionsPerStep);
        foreach (var (version, _) in versions)
        {
            isLeft |= !await repair.RunAsync(client, version, readAll: false, ct, found);
            lastVersion = version;
        }
        if (versions.Count > 0)
            return;
        clients.Dequeue();
        lastVersion = long.MinValue;
        wait = TimeSpan.Zero;
        if (clients.Count > 0 || !isLeft)
            return;
        var retry = interval / 8 < RetryTimeMax ? interval / 8 : RetryTimeMax;
        (walked, isLeft) = (time.GetUtcNow() - (interval / 2) + retry, false);
    }

    private async Task ReadOnAsync(PackScrub open, CancellationToken ct)
    {
        var read = await open.NextAsync(SliceBytes, ct);
        wait = interval / 2 * ((double)read / Math.Max(read, store.Space().StoredBytes));
        if (read > 0)
            return;
        pack = null;
        if (open.Damaged.Count > 0)
        {
            using var span = Telemetry.Source.StartActivity("scrub found damage");
            found = span?.Context ?? default;
            LogDamaged(open.Damaged.Count);
            wait = Enqueue(open.Damaged);
        }
        open.Dispose();
    }

    /// <summary>The pack that was verified longest ago, unless that is not long ago: then there is nothing to do for a while.</summary>
    private void Choose()
    {
        var now = time.GetUtcNow();
        var next = store.Index.Packs()
            .Where(row => row.State != PackState.Removed && row.Watermark > PackHeader.LengthBytes && !store.Index.IsForeign(row.Number) && !passedOver.Contains(row.Number))
            .OrderBy(row => row.VerifiedMs).FirstOrDefault();
        var age = now - DateTimeOffset.FromUnixTimeMilliseconds(next.VerifiedMs);
        // A clock that was set back makes verifications of the future.
        if (next.Number == 0 || (age >= TimeSpan.Zero && age < interval / 4))
        {
            wait = interval / 8;
            return;
        }
        wait = TimeSpan.Zero;
        try
        {
            pack = PackScrub.TryOpen(store, next, now.ToUnixTimeMilliseconds());
        }
        catch (Exception e) when (DiskFailure.Is(e))
        {
            // Not damage: its records may be whole, and whoever asks for one is told.
            passedOver.Add(next.Number);
            LogPassedOver(next.Number, e.Message);
        }
    }

    private TimeSpan Enqueue(IEnumerable<ClientId> some)
    {
        foreach (var client in some)
            clients.Enqueue(client);
        return TimeSpan.Zero;
    }

    [LoggerMessage(LogLevel.Error, "Pack {Pack} could not be opened and is not verified: {Message} The node's user must be able to read it; it is tried again later")]
    private partial void LogPassedOver(int pack, string message);

    [LoggerMessage(LogLevel.Warning, "A scrub found damaged records of {Clients} clients; they are repaired from the other copies")]
    private partial void LogDamaged(int clients);
}
