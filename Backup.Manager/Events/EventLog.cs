using System.Diagnostics;
using System.Globalization;
using Backup.Manager.Redis;
using Backup.Protocol;

namespace Backup.Manager;

/// <summary>What the cluster noticed and did, in Redis: the newest ten thousand.</summary>
public sealed class EventLog(Metadata metadata, TimeProvider time)
{
    /// <summary>A node that dies and returns each minute for three days; some 2 MB.</summary>
    public const int EventsKept = 10_000;

    private const string NoTrace = "-", Newest = "-";

    /// <summary>The newest events; of those after the one asked for, that is, the last.</summary>
    public async Task<EventsReply> ReadAsync(EventsRequest request, CancellationToken ct)
    {
        if (request.Limit is < 1 or > Limits.ListPageMax)
            throw Failure.InvalidRequest($"A page has 1 to {Limits.ListPageMax:N0} events, not {request.Limit}.").Exception();
        return new EventsReply(await ReadAsync(request.After, request.Limit, Newest, ct));
    }

    /// <summary>The events that follow one, oldest first; those that are not kept any more are left out.</summary>
    public Task<ClusterEvent[]> NextAsync(long after, int limit, CancellationToken ct) => ReadAsync(after, limit, after.ToString(CultureInfo.InvariantCulture), ct);

    private async Task<ClusterEvent[]> ReadAsync(long after, int limit, string from, CancellationToken ct)
    {
        var reply = await metadata.RunAsync(new ScriptCall(Script.ListEvents).Key(Keys.Events).Arg(limit).Arg(from), ct);
        return [.. reply.Texts.Select(Parse).TakeWhile(one => one.Sequence > after).Reverse()];
    }

    /// <summary>Adds an event. Who must be sure that it is said once uses <see cref="NoticeAsync"/>.</summary>
    public Task AddAsync(EventKind kind, EventSeverity severity, string subject, string message, CancellationToken ct) =>
        NoticeAsync("", "", "", subject, [(kind, severity, message)], ct);

    /// <summary>Notes a state and adds the events that lead to it, unless somebody else has noted another since it was read.</summary>
    /// <param name="key">Whose state it is.</param>
    /// <param name="before">Empty for none.</param>
    public Task NoticeAsync(
        string key, string before, string now, string subject, IEnumerable<(EventKind Kind, EventSeverity Severity, string Message)> events, CancellationToken ct)
    {
        var call = new ScriptCall(Script.AddEvents).Key(Keys.Events, Keys.EventSequence, Keys.Noticed).Arg(EventsKept).Arg(key).Arg(before).Arg(now);
        foreach (var (kind, severity, message) in events)
            call.Arg(Line(kind, severity, subject, message));
        return metadata.RunAsync(call, ct);
    }

    /// <summary>An event as the scripts that add one take it: without its sequence.</summary>
    public string Line(EventKind kind, EventSeverity severity, string subject, string message) => string.Create(CultureInfo.InvariantCulture,
        $"{time.GetUtcNow().ToUnixTimeMilliseconds()} {kind} {severity} {subject} {Activity.Current?.TraceId.ToString() ?? NoTrace} {message}");

    private static ClusterEvent Parse(string text)
    {
        var fields = text.Split(' ', 7);
        return new ClusterEvent(Number(fields[0]), Number(fields[1]), Enum.Parse<EventKind>(fields[2]), Enum.Parse<EventSeverity>(fields[3]), fields[4], fields[6],
            fields[5] == NoTrace ? null : fields[5]);
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
