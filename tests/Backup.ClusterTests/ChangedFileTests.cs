using Backup.Protocol;
using Backup.Tests;

namespace Backup.ClusterTests;

/// <summary>A large file that has changed here and there, as a disk image does.</summary>
[Collection(ClusterCollection.Name)]
public class ChangedFileTests(ClusterFixture fixture)
{
    private const int SizeBytes = 6 * Limits.SegmentBytesTarget;

    /// <param name="changes">Places that have changed, at equal distances.</param>
    [Theory]
    [InlineData(1, 1)]
    [InlineData(12, 1)] // A little in each segment.
    [InlineData(240, 6)] // A quarter of each and more: each is sent with what is to be sent of it.
    public async Task What_has_changed_travels_together_and_all_of_it(int changes, int segmentsMax)
    {
        var connection = fixture.Cluster.Connect(ClientId.New());
        var content = Payload.Bytes(1, SizeBytes);
        await UploadAsync(connection, content);
        for (var i = 0; i < changes; i++)
            content[(int)((long)SizeBytes * i / changes) + 100_000] ^= 1;

        using var spans = new HeardSpans();
        var receipt = await UploadAsync(connection, content);

        long[] stored = [.. spans.Named("④ segment").Select(step => step.GetTagItem(Tags.Records)).OfType<long>()];
        Assert.InRange(stored.Length, 1, segmentsMax);
        // A changed chunk, or two where the change moved a cut, and the manifest.
        Assert.InRange(stored.Sum(), changes + 1, (2 * changes) + 1);
        var version = (await connection.LookupAsync("image"))!;
        foreach (var holder in receipt.Nodes)
        {
            var target = new Kept();
            await new Restorer(connection, new TransferCounters()) { FollowsMoves = false }.RestoreAsync([version with { Nodes = [holder] }], target, default);
            Assert.Null(target.Failure);
            Assert.True(target.Content.ToArray().AsSpan().SequenceEqual(content));
        }
    }

    private static Task<Receipt> UploadAsync(ClusterConnection connection, byte[] content) =>
        connection.UploadAsync(Transfers.File("image", 1, content.Length) with { Open = () => new MemoryStream(content) });

    private sealed class Kept : IRestoreTarget
    {
        public MemoryStream Content { get; } = new();

        public Failure? Failure { get; private set; }

        public Stream? Begin(FileVersion version, ManifestHead head) => Content;

        public void Complete(FileVersion version, ManifestHead head)
        {
        }

        public void Failed(FileVersion version, Failure failure) => Failure = failure;
    }
}
