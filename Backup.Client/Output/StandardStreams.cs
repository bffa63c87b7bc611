using System.Text;
using Backup.Protocol;

namespace Backup.Client;

/// <summary>
/// Standard output and error as they may be: closed, or on a full disk. (That nobody reads a pipe any more is no failure: what
/// the command does goes on, and .NET passes over it.)
/// </summary>
internal static class StandardStreams
{
    private const int BlockChars = 16 << 10;
    private const int LastOfThem = 2;

    /// <summary>Opens nothing in the place of those that are closed: else the next file that is opened takes the number, and what is meant for a person is written into it.</summary>
    public static void Fill()
    {
        if (!Libc.IsAvailable)
            return;
        int opened;
        do
            opened = Libc.OpenAt(Libc.AtCurrentFolder, "/dev/null", Libc.ReadWrite);
        while (opened is >= 0 and <= LastOfThem);
        if (opened > LastOfThem)
            _ = Libc.Close(opened);
    }

    /// <summary>In blocks: ten thousand names are ten thousand writes otherwise. What cannot be written is a failure.</summary>
    public static TextWriter Results() => new StreamWriter(new Checked(Console.OpenStandardOutput(), isLossy: false), new UTF8Encoding(false), BlockChars);

    /// <summary>Line by line. Where they cannot be written there is nobody to tell.</summary>
    public static TextWriter Notes() => TextWriter.Synchronized(new StreamWriter(new Checked(Console.OpenStandardError(), isLossy: true), new UTF8Encoding(false)) { AutoFlush = true });

    private sealed class Checked(Stream inner, bool isLossy) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            try
            {
                inner.Write(buffer);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                if (!isLossy)
                    throw new Failure(FailureCode.LocalFailed, $"Standard output cannot be written: {(e.InnerException ?? e).Message.TrimEnd('.')}.", "client",
                        "What the command did is done all the same; only its results are lost.").Exception(e);
            }
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
