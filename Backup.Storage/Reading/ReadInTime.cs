namespace Backup.Storage.Reading;

/// <summary>
/// The body of a response whose reader must take each piece in time, else the connection is ended: Kestrel's own bound is an
/// average since the response began, and whoever read a gigabyte quickly might then sit on the connection for days.
/// </summary>
internal sealed class ReadInTime(HttpResponse response) : Stream
{
    /// <summary>A piece is a record, 4 MiB at most. A client whose disk is stuck for this long does better to ask again.</summary>
    private static readonly TimeSpan PieceTimeMax = TimeSpan.FromMinutes(2);

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var write = response.Body.WriteAsync(buffer, cancellationToken);
        if (write.IsCompletedSuccessfully)
        {
            await write;
            return;
        }
        await using var late = TimeProvider.System.CreateTimer(static http => ((HttpContext)http!).Abort(), response.HttpContext, PieceTimeMax, Timeout.InfiniteTimeSpan);
        await write;
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => response.Body.FlushAsync(cancellationToken);

    public override void Flush() => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
