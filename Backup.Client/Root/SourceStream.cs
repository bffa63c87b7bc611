using Backup.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Backup.Client;

/// <summary>
/// A file of the root, read once from start to end. It fails with <see cref="FailureCode.SourceChanged"/> rather than hand out
/// content that never was in the file at one time: it must end where it did when it was opened, and nothing may have touched it
/// by the time its last byte was read.
/// </summary>
internal sealed class SourceStream(RootedPath path, SafeFileHandle file, FileStat opened) : Stream
{
    private long position;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => opened.SizeBytes;

    public override long Position { get => position; set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        try
        {
            return Check(RandomAccess.Read(file, buffer, position), buffer.Length);
        }
        catch (IOException e)
        {
            throw SourceFailures.Unreadable(path.Value, e.Message.TrimEnd('.')).Exception(e);
        }
    }

    /// <summary>Reads at once: the page cache answers or the disk is the bottleneck, and a hop to another thread costs more than it gives.</summary>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken ct = default)
    {
        if (ct.IsCancellationRequested)
            return ValueTask.FromCanceled<int>(ct);
        return ValueTask.FromResult(Read(buffer.Span));
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken ct) =>
        ReadAsync(buffer.AsMemory(offset, count), ct).AsTask();

    private int Check(int read, int asked)
    {
        position += read;
        var ended = read == 0 && asked > 0;
        if (position > opened.SizeBytes || (ended && position < opened.SizeBytes))
            throw SourceFailures.Changed(path.Value).Exception();
        if (position == opened.SizeBytes && IsTouched())
            throw SourceFailures.Changed(path.Value).Exception();
        return read;
    }

    private bool IsTouched()
    {
        if (!Libc.IsAvailable)
            return RandomAccess.GetLength(file) != opened.SizeBytes;
        var error = FileStat.Of((int)file.DangerousGetHandle(), out var now);
        GC.KeepAlive(file);
        // Unlinking a file changes its ctime and link count but none of its bytes: what is read is still what was.
        return error != 0 || now.SizeBytes != opened.SizeBytes || now.MtimeNs != opened.MtimeNs;
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            file.Dispose();
        base.Dispose(disposing);
    }
}
