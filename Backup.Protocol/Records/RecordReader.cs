using System.Text.Json;

namespace Backup.Protocol;

/// <summary>Cuts a stream of bytes into records. It checks headers and lengths; whoever takes a record checks its payload.</summary>
public sealed class RecordReader(Stream from, string culprit)
{
    private readonly byte[] head = new byte[RecordHeader.LengthBytes];

    /// <summary>Bytes of whole records taken so far.</summary>
    public long BytesRead { get; private set; }

    /// <summary>Reads one record; the caller disposes it.</summary>
    /// <returns>Null at the end of the stream.</returns>
    /// <exception cref="FailureException">The stream ends inside a record, is no record, or carries the sender's failure.</exception>
    public async ValueTask<Record?> ReadAsync(CancellationToken ct)
    {
        var got = await from.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, ct);
        if (got == 0)
            return null;
        if (got < head.Length)
            throw CutOff();
        if (!RecordHeader.TryRead(head, out var header))
            throw new Failure(FailureCode.InvalidRequest, $"The stream holds no valid record after {BytesRead} bytes.", culprit,
                "Send it again; if it stays, the two sides speak different versions.").Exception();

        var rented = Record.Rent(header.StoredBytes);
        try
        {
            head.CopyTo(rented, 0);
            var payload = rented.AsMemory(RecordHeader.LengthBytes, header.StoredBytes);
            if (await from.ReadAtLeastAsync(payload, payload.Length, throwOnEndOfStream: false, ct) < payload.Length)
                throw CutOff();
        }
        catch
        {
            Record.Return(rented);
            throw;
        }

        BytesRead += header.RecordBytes;
        var record = Record.Wrap(rented, header);
        return header.Kind == RecordKind.Failure ? throw Reported(record) : record;
    }

    private FailureException Reported(Record record)
    {
        using (record)
        {
            var failure = record.DigestMatches() ? JsonSerializer.Deserialize(record.Payload.Span, WireJson.Default.Failure) : null;
            return (failure ?? new Failure(FailureCode.Corrupt, "The sender's failure report is damaged.", culprit, "Try again.")).Exception();
        }
    }

    private FailureException CutOff() => new Failure(FailureCode.NodeUnreachable,
        $"The stream was cut off after {BytesRead} bytes.", culprit, "Send or ask again; what arrived whole is kept.").Exception();
}
