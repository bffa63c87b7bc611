using Microsoft.Win32.SafeHandles;

namespace Backup.Client;

/// <summary>
/// A file of the root, read once from start to the end it had when it was opened. A file that is written to meanwhile is no
/// reason to have no backup of it: it is read all the same, and whoever asked is told that it changed.
/// </summary>
/// <param name="changed">Is called, perhaps twice, when what is read may never have been in the file at one time.</param>
internal sealed class SourceStream(SafeFileHandle file, FileStat opened, Action changed) : Stream
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
        // A log that grows is complete up to where it ended when it was opened.
        var wanted = (int)Math.Min(buffer.Length, opened.SizeBytes - position);
        var read = wanted == 0 ? 0 : RandomAccess.Read(file, buffer[..wanted], position);
        position += read;
        if ((read == 0 && wanted > 0) || (position == opened.SizeBytes && read > 0 && IsTouched()))
            changed();
        return read;
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

    private bool IsTouched()
    {
        if (!Libc.IsAvailable)
            return RandomAccess.GetLength(file) != opened.SizeBytes;
        var error = FileStat.Of((int)file.DangerousGetHandle(), out var now);
        GC.KeepAlive(file);
        // Not ctime: unlinking or renaming a file changes that, but none of its bytes.
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
