using System.Reflection;
using Backup.Manager;
using Backup.Manager.Collection;
using Backup.Manager.Redis;
using Backup.Protocol;
using static Backup.Tests.Manager.ManagersOnRedis;

namespace Backup.Tests.Manager;

/// <summary>Every script is there for something, documented, and runs on both servers.</summary>
public abstract class ScriptTests(RedisFixture fixture)
{
    private static readonly Script[] All = [.. typeof(Script).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Where(field => field.FieldType == typeof(Script)).Select(field => (Script)field.GetValue(null)!)];

    [SkippableFact]
    public async Task A_day_of_the_manager_runs_every_script_under_a_span_of_its_own()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        using var day = new HeardSpans();

        await cluster.RegisterManyAsync("n1", "n2");
        await cluster.HeartbeatAsync("n1");
        await cluster.Get<Registry>().DrainAsync(Node("n1"), false, default);
        await cluster.StoreAsync([.. Enumerable.Range(0, NameLeaves.NamesMax + 1).Select(Name)]);
        await cluster.First.ListAsync(cluster.Client, new ListRequest("", null, 10), default);
        await cluster.First.ClusterAsync(default);
        await cluster.First.SnapshotAsync(cluster.Client, new SnapshotRequest("noon"), default);
        await cluster.First.DeleteSnapshotAsync(cluster.Client, new SnapshotDeleteRequest("noon"), default);
        await ForgetSomethingAsync(cluster);
        await cluster.First.ReportRunAsync(cluster.Client, ClientRunsTests.Backup(10, 1), default);
        await cluster.First.QuotaAsync(new QuotaRequest(cluster.Client, null), default);
        var enrolled = await Access.Credential.EnrolAsync(cluster.Get<Backup.Manager.Access.Tokens>(), ClientId.New(), Scope.Read);
        await cluster.Get<IAccess>().RevokeAsync(new RevokeRequest(enrolled.Client, enrolled.Secret.Hash[..16]), default);
        await cluster.RegisterManyAsync("n1", "n2");
        await cluster.PlaceAsync("late", ["x"]);
        cluster.Time.Advance(Leases.Reservation);
        await cluster.Get<ReservationExpiry>().StepAsync(default);
        await HealAsync(cluster);
        await RebuildSomethingAsync(cluster);

        var seen = day.Ended.Select(span => $"{span.OperationName} {span.GetTagItem("db.operation.batch.size")}").ToList();
        Assert.Equal(All.Select(script => $"redis {script.Verb}").Distinct().Order(),
            seen.Select(name => string.Join(' ', name.Split(' ')[..2])).Distinct().Intersect(All.Select(script => $"redis {script.Verb}")).Order());
        Assert.Contains($"redis place {NameLeaves.NamesMax + 1}", seen);
        Assert.Contains($"redis commit {NameLeaves.NamesMax + 1}", seen);
    }

    /// <summary>Notices the nodes, looks at every file, and moves what there is to move: nothing.</summary>
    private static async Task HealAsync(ManagersOnRedis cluster)
    {
        await cluster.Get<Watch>().StepAsync(default);
        await cluster.First.EventsAsync(new EventsRequest(0, 10), default);
        await cluster.First.RepairAsync(default);
        while (await cluster.Get<RepairWorker>().StepAsync(default) == Backup.ServiceDefaults.WorkerStep.Busy)
        {
        }
        await cluster.Get<Metadata>().RunAsync(new ScriptCall(Script.MoveCopies).Key(Keys.Loads, Keys.Candidates, Keys.Debts, Keys.Duty(RepairWorker.Duty))
            .Arg(1).Arg(cluster.Client.ToString()).Arg(0), default);
        await cluster.Get<Metadata>().RunAsync(new ScriptCall(Script.MoveDropped).Key(Keys.Duty(RepairWorker.Duty), Keys.Undoable(cluster.Client), Keys.Dropped(cluster.Client, "x"))
            .Arg(1).Arg("x"), default);
        await cluster.Get<Metadata>().RunAsync(new ScriptCall(Script.ReservedVersions).Key(Keys.Reservation("x")), default);
    }

    /// <summary>Begins to rebuild the metadata from nodes that do not answer, and merges a version as if one did.</summary>
    private static async Task RebuildSomethingAsync(ManagersOnRedis cluster)
    {
        await cluster.Get<IRebuilder>().RebuildAsync(default);
        cluster.Time.Advance(TimeSpan.FromMinutes(1));
        await cluster.RegisterManyAsync("n1");
        await cluster.Get<RebuildWorker>().StepAsync(default);
        var head = new ManifestHead
        {
            Path = Path("found"),
            Version = 7,
            Kind = VersionKind.File,
            TimeMs = 1,
            SizeBytes = 1,
            Digest = ChunkId.Of([1]),
            Nodes = [Node("n1")],
            Epoch = 1,
        };
        var lease = new DutyLease(cluster.Get<Metadata>(), cluster.Time, VersionMerger.Duty, onLostMetadata: true);
        cluster.Time.Advance(Leases.Duty);
        var token = await lease.TakeAsync(default);
        Assert.True(await cluster.Get<MomentKeeper>().RestoreAsync(token!.Value, new ClientMoments(cluster.Client, 9, []), default));
        Assert.Equal(1, await cluster.Get<VersionMerger>().MergeAsync(
            token.Value, [[new FoundCopy(Node("n1"), new HeldManifest(cluster.Client, head))]], withHints: true, default));
    }

    /// <summary>Drops a version, brings it back, and drops it for good.</summary>
    private static async Task ForgetSomethingAsync(ManagersOnRedis cluster)
    {
        await cluster.StoreAsync(Name(0));
        var keepOne = new RetentionRequest(new RetentionPolicy(Last: 1), Apply: true);
        foreach (var name in new[] { "old", "new" })
            await cluster.First.SnapshotAsync(cluster.Client, new SnapshotRequest(name, Automatic: true), default);
        await cluster.First.RetainAsync(cluster.Client, keepOne, default);
        await cluster.First.UndoRetentionAsync(cluster.Client, default);
        await cluster.First.RetainAsync(cluster.Client, keepOne, default);
        cluster.Time.Advance(TimeSpan.FromDays(7));
        await cluster.Get<Forgetter>().StepAsync(default);
    }

    [SkippableFact]
    public async Task Every_embedded_file_is_loaded_and_says_what_its_keys_are()
    {
        await fixture.ServerAsync();
        var assembly = typeof(Script).Assembly;
        var files = assembly.GetManifestResourceNames().Where(name => name.EndsWith(".lua", StringComparison.Ordinal)).ToList();
        var loaded = string.Concat(All.Select(script => script.Text));
        Assert.NotEmpty(files);
        Assert.All(files, file =>
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(file)!);
            var text = reader.ReadToEnd();
            Assert.Contains(text, loaded);
            Assert.StartsWith("-- ", text);
            if (file.StartsWith("library-", StringComparison.Ordinal))
                return;
            var header = string.Concat(text.Split('\n').TakeWhile(line => line.StartsWith("--", StringComparison.Ordinal)));
            Assert.Contains("KEYS[1]", header);
            Assert.Contains("Returns", header);
            if (text.Contains("ARGV["))
                Assert.Contains("ARGV[1]", header);
        });
    }
}

[Collection(OnGarnet.Name)]
public sealed class ScriptsOnGarnet(GarnetFixture fixture) : ScriptTests(fixture);

[Collection(OnDebian.Name)]
public sealed class ScriptsOnDebian(DebianFixture fixture) : ScriptTests(fixture);
