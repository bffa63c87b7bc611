using Backup.Protocol;

namespace Backup.ClusterTests;

/// <summary>Uploads and restores as the client does, with the client's own code.</summary>
public static class Transfers
{
    public static SourceFile File(string path, int seed, long sizeBytes) =>
        new(RootedPath.Parse(path), VersionKind.File, sizeBytes, MtimeNs: 1_700_000_000_123_456_789, Mode: 0b110_100_100, null, () => new Payload(seed, sizeBytes));

    public static SourceFile Gone(string path) => new(RootedPath.Parse(path), VersionKind.Tombstone, 0, 0, 0, null, null);

    /// <summary>Uploads and expects a receipt for each.</summary>
    public static async Task<Receipt[]> UploadAsync(this ClusterConnection cluster, IEnumerable<SourceFile> files, TransferCounters? counters = null)
    {
        var receipts = new List<Receipt>();
        await foreach (var result in new Uploader(cluster, counters ?? new TransferCounters()).UploadAsync(files, default))
        {
            Assert.Null(result.Failure);
            receipts.Add(result.Receipt!);
        }
        return [.. receipts];
    }

    public static async Task<Receipt> UploadAsync(this ClusterConnection cluster, SourceFile file) => Assert.Single(await cluster.UploadAsync([file]));

    public static async Task<FileVersion?> LookupAsync(this ClusterConnection cluster, string path, long? asOfMs = null) =>
        (await cluster.AskAsync(n => n.LookupAsync(cluster.Client, new LookupRequest([RootedPath.Parse(path)], asOfMs), default), default)).Files[0];

    public static Task<ClusterStatus> StatusAsync(this ClusterConnection cluster) => cluster.AskAsync(n => n.ClusterAsync(default), default);

    /// <summary>Restores and compares every byte with the payload of the seed.</summary>
    public static async Task RestoreAsync(this ClusterConnection cluster, FileVersion version, int seed, bool followsMoves = true)
    {
        var target = new Comparing(seed);
        await new Restorer(cluster, new TransferCounters()) { FollowsMoves = followsMoves }.RestoreAsync([version], target, default);
        Assert.Null(target.Failure);
        Assert.True(target.Completed, "The restore ended without completing the version.");
    }

    /// <summary>Restores from this very node only.</summary>
    public static Task RestoreFromAsync(this ClusterConnection cluster, FileVersion version, NodeId node, int seed) =>
        cluster.RestoreAsync(version with { Nodes = [node] }, seed, followsMoves: false);

    private sealed class Comparing(int seed) : IRestoreTarget
    {
        private Payload? payload;

        public Failure? Failure { get; private set; }

        public bool Completed { get; private set; }

        public Stream? Begin(FileVersion version, ManifestHead head) => payload = new Payload(seed, version.SizeBytes);

        public void Complete(FileVersion version, ManifestHead head) => Completed = payload!.Position == version.SizeBytes;

        public void Failed(FileVersion version, Failure failure) => Failure = failure;
    }
}
