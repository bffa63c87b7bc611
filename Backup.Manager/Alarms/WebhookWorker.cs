using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Backup.Manager.Redis;
using Backup.Protocol;
using Backup.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Backup.Manager.Alarms;

/// <summary>
/// Posts alarms, and their end, to the addresses of the configuration. Each address has its own place in the events, so that one
/// that is away gets what it missed later and holds up no other. What is posted may come twice, and never out of order.
/// </summary>
public sealed partial class WebhookWorker(Metadata metadata, EventLog events, WebhookPost post, IOptions<ClusterOptions> options, TimeProvider time, ILogger<WebhookWorker> log)
    : Worker(time, log)
{
    public const string Duty = "webhooks";

    /// <summary>Events in one post: some 30 KB.</summary>
    private const int EventsMax = 100;

    /// <summary>A loss is news for so long: managers may have been down meanwhile.</summary>
    private static readonly TimeSpan LossToldTime = TimeSpan.FromDays(1);

    /// <summary>That the metadata is lost is news to be told now, not when it is rebuilt.</summary>
    private readonly DutyLease duty = new(metadata, time, Duty, onLostMetadata: true);
    private readonly (Uri Address, string Name)[] addresses =
        [.. (options.Value.WebhookAddresses() ?? []).Select(address => (address, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(address.AbsoluteUri)))))];

    protected override TimeSpan IdleInterval => TimeSpan.FromSeconds(2);

    protected override bool IsTraced => false;

    public override async Task<WorkerStep> StepAsync(CancellationToken cancellationToken)
    {
        if (addresses.Length == 0 || await duty.TakeAsync(cancellationToken) is not { } token)
            return WorkerStep.Idle;
        var places = (await metadata.ReadPairsAsync(Keys.Webhooks, cancellationToken)).ToDictionary(pair => pair.Name, pair => pair.Value);
        foreach (var (address, name) in addresses)
        {
            var place = places.GetValueOrDefault(name);
            var reached = place is null ? await BeginningAsync(places.Count == 0, cancellationToken)
                : await PostAsync(address, long.Parse(place, CultureInfo.InvariantCulture), cancellationToken);
            if (reached.ToString(CultureInfo.InvariantCulture) != place)
                await metadata.RunAsync(new ScriptCall(Script.SaveRepair).Key(Keys.Duty(Duty), Keys.Webhooks, Keys.Epoch)
                    .Arg(token).Arg("0").Arg(name).Arg(reached), cancellationToken);
        }
        return WorkerStep.Idle;
    }

    /// <summary>Where an address begins that has no place: it is told what happens from now on, not what once did.</summary>
    /// <param name="isEach">No address has a place, and none ever had. Where the metadata was lost just now that is why, and it is the first they are told.</param>
    private async Task<long> BeginningAsync(bool isEach, CancellationToken ct)
    {
        var newest = (await events.ReadAsync(new EventsRequest(0, Limits.ListPageMax), ct)).Events;
        var justNowMs = (Time.GetUtcNow() - LossToldTime).ToUnixTimeMilliseconds();
        return isEach && newest.LastOrDefault(happened => happened.Kind == EventKind.MetadataLost && happened.TimeMs >= justNowMs) is { } loss ? loss.Sequence - 1
            : newest.LastOrDefault()?.Sequence ?? 0;
    }

    /// <returns>The last event that the address has now, or need not have.</returns>
    private async Task<long> PostAsync(Uri address, long after, CancellationToken ct)
    {
        var next = await events.NextAsync(after, Limits.ListPageMax, ct);
        // The sequence begins anew when the metadata was lost.
        if (next.Length == 0 && after > 0 && (await events.ReadAsync(new EventsRequest(0, 1), ct)).Events is var newest && (newest.Length == 0 || newest[0].Sequence < after))
            return 0;
        foreach (var some in next.Where(IsWanted).Chunk(EventsMax))
        {
            if (await post.SendAsync(address, some, ct) is not { } why)
                continue;
            LogNotTaken(log, address.GetLeftPart(UriPartial.Authority), some.Length, why);
            return after;
        }
        return next.Length == 0 ? after : next[^1].Sequence;
    }

    /// <summary>Warnings and errors, and that one of them is over.</summary>
    internal static bool IsWanted(ClusterEvent happened) => happened.Severity != EventSeverity.Info || happened.Kind is EventKind.BackupOverdue or EventKind.BackupUnusual
        or EventKind.CopiesRepaid or EventKind.CopyRepaired or EventKind.NodeReturned or EventKind.NodeFull or EventKind.MetadataRebuilt;

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Address} did not take {Events} events and gets them later: {Reason}")]
    private static partial void LogNotTaken(ILogger log, string address, int events, string reason);
}
