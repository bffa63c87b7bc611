using Backup.Protocol;

namespace Backup.Client;

/// <summary>Takes the content of one file to an open stream. What a failed copy has written already is not taken back: the exit code tells.</summary>
internal sealed class OutputTarget(Stream output) : IRestoreTarget
{
    public Failure? Failure { get; private set; }

    /// <exception cref="FailureException">It is no file.</exception>
    public Stream? Begin(FileVersion version, ManifestHead head) => head.Kind == VersionKind.File ? new Uncloseable(output)
        : throw Protocol.Failure.InvalidRequest($"'{version.Path.Display}' is a {head.Kind.ToString().ToLowerInvariant()} and has no content.").Exception();

    public void Complete(FileVersion version, ManifestHead head) => output.Flush();

    public void Failed(FileVersion version, Failure failure) => Failure = failure;

    /// <summary>Standard output is not the restorer's to close.</summary>
    private sealed class Uncloseable(Stream to) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Flush() => to.Flush();

        public override void Write(byte[] buffer, int offset, int count) => to.Write(buffer, offset, count);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken ct = default) => to.WriteAsync(buffer, ct);

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
