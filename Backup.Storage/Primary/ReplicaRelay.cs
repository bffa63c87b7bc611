using System.Diagnostics;
using System.Net;
using System.Threading.Channels;
using Backup.Protocol;
using Backup.Storage.Membership;

namespace Backup.Storage.Primary;

/// <summary>
/// ⑤ One replica's share of a segment: the records, in the buffers they arrived in, through a bounded queue into one request.
/// A replica that fails does not stop the primary from receiving: its failure is kept and the rest is not sent.
/// </summary>
internal sealed class ReplicaRelay : IAsyncDisposable
{
    /// <summary>Records waiting for a slow replica; beyond them the primary, and so the client, is slowed to its pace. Some 4 MiB, and never more than a segment.</summary>
    private const int QueuedRecordsMax = 64;

    /// <summary>A replica that has not answered this long after the last byte hangs.</summary>
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(15);

    private readonly Channel<Record> queue = Channel.CreateBounded<Record>(new BoundedChannelOptions(QueuedRecordsMax) { SingleReader = true, SingleWriter = true });
    private readonly CancellationTokenSource stop = new();
    private readonly Task reply;

    /// <param name="bytes">Of all records that will be sent; null where that is not known.</param>
    public ReplicaRelay(NodeId replica, Peers peers, ClientId client, NodeId[] nodes, long epoch, long? bytes)
    {
        Replica = replica;
        reply = Task.Run(() => SendAllAsync(peers, client, nodes, epoch, bytes));
    }

    public NodeId Replica { get; }

    /// <summary>Why the replica does not hold the segment; null while it may.</summary>
    public Failure? Failure { get; private set; }

    public async ValueTask SendAsync(Record record)
    {
        record.Share();
        try
        {
            await queue.Writer.WriteAsync(record, stop.Token);
            Measures.RelayWaits(+1);
        }
        catch (Exception e) when (e is ChannelClosedException or OperationCanceledException)
        {
            record.Dispose();
        }
    }

    /// <summary>Ends the stream and waits for the replica's answer, which is in <see cref="Failure"/>.</summary>
    public async Task FinishAsync()
    {
        queue.Writer.TryComplete();
        stop.CancelAfter(AnswerTime);
        await reply;
    }

    public async ValueTask DisposeAsync()
    {
        // A segment that was refused here is cut off there: an ended stream would look whole.
        if (!reply.IsCompleted)
            await stop.CancelAsync();
        await reply;
        LetGo();
        stop.Dispose();
    }

    private async Task SendAllAsync(Peers peers, ClientId client, NodeId[] nodes, long epoch, long? bytes)
    {
        using var step = Step.Begin("⑤ stream replica").Tag(Tags.Node, Replica.Value);
        try
        {
            var peer = await peers.ReplicaAsync(Replica, stop.Token);
            await peer.StoreReplicaAsync(client, string.Join(',', nodes), epoch, new QueueContent(queue.Reader, bytes, stop.Token), stop.Token);
            step.Succeed();
        }
        catch (FailureException e) when (e.Failure.Code is FailureCode.StaleEpoch or FailureCode.MissingChunks or FailureCode.NodeFull or FailureCode.DiskFailed)
        {
            Failure = e.Failure;
        }
        catch (Exception e) when (e is FailureException or OperationCanceledException or HttpRequestException or IOException)
        {
            Failure = new Failure(FailureCode.ReplicaUnreachable, $"Replica {Replica} did not store the segment: {Why(e)}", Replica.Value,
                "Nothing to do: another replica takes its place.");
        }
        finally
        {
            if (Failure is not null)
                step.Span?.SetStatus(ActivityStatusCode.Error, Failure.Message);
            // Whoever waits to send goes on, and what waits is let go.
            LetGo();
        }
    }

    private void LetGo()
    {
        queue.Writer.TryComplete();
        while (queue.Reader.TryRead(out var record))
        {
            Measures.RelayWaits(-1);
            record.Dispose();
        }
    }

    private static string Why(Exception e) => e switch
    {
        FailureException f => f.Failure.Message,
        OperationCanceledException => "it did not answer in time.",
        _ => e.Message,
    };

    private sealed class QueueContent(ChannelReader<Record> records, long? bytes, CancellationToken stop) : HttpContent
    {
        protected override bool TryComputeLength(out long length)
        {
            length = bytes ?? 0;
            return bytes is not null;
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await foreach (var record in records.ReadAllAsync(stop))
            {
                Measures.RelayWaits(-1);
                using (record)
                    await stream.WriteAsync(record.Bytes, stop);
            }
            stop.ThrowIfCancellationRequested();
        }
    }
}
