using Backup.Protocol;
using Backup.Tests;

namespace Backup.ClusterTests;

/// <summary>A restore into a place that does not take all of it: files are there already, or cannot be written.</summary>
[Collection(ClusterCollection.Name)]
public class RefusedFilesTests(ClusterFixture fixture)
{
    private const int Files = 600;

    /// <summary>Four nodes, each asked for at most 256 files at once.</summary>
    private const int RequestsMax = 8;

    [Fact]
    public async Task What_is_refused_is_read_past_and_the_rest_arrives_in_few_requests()
    {
        var connection = fixture.Cluster.Connect(ClientId.New());
        await connection.UploadAsync(Enumerable.Range(0, Files).Select(i => Transfers.File($"{i}", i, Size(i))));
        var listed = await connection.AskAsync(n => n.ListAsync(connection.Client, new ListRequest("", null, Files), default), default);

        using var spans = new HeardSpans();
        var target = new Choosy();
        await new Restorer(connection, new TransferCounters()).RestoreAsync(listed.Files, target, default);

        Assert.InRange(spans.Named("read from node").Count(), 1, RequestsMax);
        Assert.Equal(Enumerable.Range(0, Files).Select(Expected), Enumerable.Range(0, Files).Select(i => target.Outcomes[i]));
    }

    /// <summary>Nothing, one chunk, several.</summary>
    private static long Size(int file) => (file / 4 % 3) switch { 0 => 0, 1 => 5_000, _ => 300_000 };

    /// <summary>What becomes of a file: null where it arrives whole.</summary>
    private static FailureCode? Expected(int file) => (file % 4) switch
    {
        0 => FailureCode.AlreadyExists,
        1 when Size(file) > 0 => FailureCode.LocalFailed,
        2 => FailureCode.LocalFailed,
        _ => null,
    };

    private sealed class Choosy : IRestoreTarget
    {
        private Payload? payload;

        public Dictionary<int, FailureCode?> Outcomes { get; } = [];

        public Stream? Begin(FileVersion version, ManifestHead head) => (Number(version) % 4) switch
        {
            0 => throw new Failure(FailureCode.AlreadyExists, "A file is there.", "target", "Take it away.").Exception(),
            1 => new FullDisk(),
            _ => payload = new Payload(Number(version), version.SizeBytes),
        };

        public void Complete(FileVersion version, ManifestHead head)
        {
            if (Number(version) % 4 == 2)
                throw new Failure(FailureCode.LocalFailed, "It cannot be put in its place.", "target", "Try again.").Exception();
            if (Number(version) % 4 == 3)
                Assert.Equal(version.SizeBytes, payload!.Position);
            Outcomes.Add(Number(version), null);
        }

        public void Failed(FileVersion version, Failure failure) => Outcomes.Add(Number(version), failure.Code);

        private static int Number(FileVersion version) => int.Parse(version.Path.Value, System.Globalization.CultureInfo.InvariantCulture);
    }

    private sealed class FullDisk : MemoryStream
    {
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => throw new IOException("No space left on device.");
    }
}
