using System.Text.Json;
using Backup.Client;
using Backup.Protocol;

namespace Backup.Tests.Client;

/// <summary>What --json prints, byte for byte: programs rely on it. A member may be added, none renamed or taken away.</summary>
public sealed class JsonShapeTests
{
    private static readonly NodeId[] Nodes = [NodeId.Parse("node-1"), NodeId.Parse("node-2")];
    private static readonly RootedPath Path = RootedPath.Parse("a/b");

    [Fact]
    public void A_file() => Assert.Equal(
        """{"path":"a/b","version":3,"kind":"file","time":"1970-01-01T00:00:01.000Z","sizeBytes":5,"digest":"DIGEST","nodes":["node-1","node-2"],"copiesOwed":1,"traceId":"t","mtimeNs":7,"mode":"0644"}"""
            .Replace("DIGEST", default(ChunkId).ToString()),
        JsonSerializer.Serialize(FileShape.Of(new FileVersion(Path, 3, VersionKind.File, 1000, 5, default, 7, 0x1A4, 1, Nodes, 1, "t")), OutputJson.Default.FileShape));

    [Fact]
    public void A_backup()
    {
        var receipt = new Receipt(Path, 3, VersionKind.File, 1000, 5, default, Nodes, 0);
        var summary = new BackupSummary(false, 1, 2, 3, 1, 5, 6, 7, 8, 0, new Dictionary<string, long> { ["node-1"] = 1 }, [receipt], [Failure.NotFound("x")], 2, "s", LinksOutside: 4);
        Assert.Equal(
            """{"dryRun":false,"stored":1,"unchanged":2,"deleted":3,"failed":1,"bytesRead":5,"bytesSent":6,"bytesDeduplicated":7,"elapsedMs":8,"copiesOwed":0,"nodes":{"node-1":1},"receipts":[{"path":"a/b","version":3,"kind":"file","time":"1970-01-01T00:00:01.000Z","sizeBytes":5,"digest":"DIGEST","nodes":["node-1","node-2"],"copiesOwed":0}],"problems":[{"code":"notFound","message":"x is not stored.","culprit":"client","advice":"List what is there and try again."}],"folders":2,"snapshot":"s","linksOutside":4}"""
                .Replace("DIGEST", default(ChunkId).ToString()),
            JsonSerializer.Serialize(BackupShape.Of(summary), OutputJson.Default.BackupShape));
        Assert.Equal(ExitCode.Incomplete, summary.ExitCode);
    }

    [Fact]
    public void A_restore() => Assert.Equal(
        """{"dryRun":false,"to":"/to","restored":1,"failed":0,"bytes":5,"elapsedMs":8,"problems":[],"folders":3,"there":4}""",
        JsonSerializer.Serialize(RestoreShape.Of(new RestoreSummary(false, "/to", 1, 0, 5, 8, [], 3, 4)), OutputJson.Default.RestoreShape));

    [Fact]
    public void A_deletion() => Assert.Equal(
        """{"dryRun":true,"deleted":2,"failed":0,"receipts":[],"problems":[]}""",
        JsonSerializer.Serialize(DeleteShape.Of(new DeleteSummary(true, 2, 0, [], [])), OutputJson.Default.DeleteShape));

    [Fact]
    public void A_snapshot()
    {
        Assert.Equal("""{"name":"s","time":"1970-01-01T00:00:01.000Z","automatic":true}""",
            JsonSerializer.Serialize(SnapshotShape.Of(new Snapshot("s", 1000, true)), OutputJson.Default.SnapshotShape));
        Assert.Equal("""{"name":"s","time":"1970-01-01T00:00:01.000Z","automatic":false,"pinnedUntil":"1970-01-01T00:00:02.000Z"}""",
            JsonSerializer.Serialize(SnapshotShape.Of(new Snapshot("s", 1000, false, 2000)), OutputJson.Default.SnapshotShape));
        Assert.Equal("""{"deleted":"s"}""", JsonSerializer.Serialize(new SnapshotDeletedShape("s"), OutputJson.Default.SnapshotDeletedShape));
    }

    [Fact]
    public void Retention()
    {
        var reply = new RetentionReply([new KeptSnapshot(new Snapshot("k", 1000, true), ["last", "daily"])], [new Snapshot("d", 500, true)], 3, 4, 2000);
        Assert.Equal(
            """{"applied":true,"kept":[{"name":"k","time":"1970-01-01T00:00:01.000Z","automatic":true,"reasons":["last","daily"]}],"dropped":[{"name":"d","time":"1970-01-01T00:00:00.500Z","automatic":true}],"versions":3,"bytes":4,"undoUntil":"1970-01-01T00:00:02.000Z"}""",
            JsonSerializer.Serialize(RetentionShape.Of(reply, applied: true), OutputJson.Default.RetentionShape));
        Assert.Equal("""{"snapshots":[],"versions":3}""", JsonSerializer.Serialize(UndoShape.Of(new UndoReply([], 3)), OutputJson.Default.UndoShape));
    }

    [Fact]
    public void An_undeletion() => Assert.Equal(
        """{"dryRun":false,"undeleted":1,"folders":2,"failed":0,"bytesSent":5,"receipts":[],"problems":[]}""",
        JsonSerializer.Serialize(UndeleteShape.Of(new UndeleteSummary(false, 1, 2, 0, 5, [], [])), OutputJson.Default.UndeleteShape));

    [Fact]
    public void The_cluster()
    {
        var node = new NodeStatus(Nodes[0], new Uri("http://h:1"), NodeState.Alive, 4, 2, Guid.Empty, null, new NodeSpace(10, 20, 5), 900);
        var status = new ClusterStatus(true, [], [node], 2, 1, 0, 1000, 3, new RepairStatus(true, ["It was asked for."], 7, 2, 90, 1, 0, 0, 5, 0));
        Assert.Equal(
            """{"healthy":true,"problems":[],"nodes":[{"id":"node-1","address":"http://h:1/","state":"alive","files":4,"freeBytes":10,"totalBytes":20,"storedBytes":5,"epoch":2,"lastSeen":"1970-01-01T00:00:00.900Z"}],"copies":2,"clients":1,"reserved":0,"time":"1970-01-01T00:00:01.000Z","copiesOwed":3,"repair":{"running":true,"reasons":["It was asked for."],"versionsExamined":7,"versionsCopied":2,"bytesCopied":90,"versionsLeft":1,"versionsLost":0}}""",
            JsonSerializer.Serialize(ClusterShape.Of(status), OutputJson.Default.ClusterShape));
        Assert.StartsWith("healthy:", ClusterText.Headline(status));
        Assert.DoesNotContain("healthy", string.Join('\n', ClusterText.Lines(status with { Healthy = false, Problems = ["node-2 is dead"] })));
    }

    [Fact]
    public void The_summary_of_a_run_in_which_nothing_worked_bears_the_code_of_its_reason()
    {
        var summary = new BackupSummary(false, 0, 0, 0, 1, 0, 0, 0, 8, 0, new Dictionary<string, long>(), [], [Failure.Unreachable(Nodes[0], "gone")]);
        Assert.Equal(ExitCode.Unreachable, summary.ExitCode);
    }
}
