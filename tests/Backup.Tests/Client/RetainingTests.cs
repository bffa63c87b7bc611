using System.Net;
using System.Net.Sockets;
using Backup.Client;
using Backup.Protocol;

namespace Backup.Tests.Client;

/// <summary>What of snapshots and retention is decided here; the cluster's part has tests of its own.</summary>
public sealed class RetainingTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 24, 4, 30, 5, TimeSpan.Zero);

    [Fact]
    public void An_automatic_name_is_the_time_and_no_other_has_it()
    {
        const string name = "2026-11-24T04.30.05Z";
        Assert.Equal(name, AutomaticSnapshot.NameFor(Now, []));
        Assert.Equal(name, AutomaticSnapshot.NameFor(Now, ["2026-11-24T04.30.04Z"]));
        Assert.Equal(name + "-2", AutomaticSnapshot.NameFor(Now, [name]));
        Assert.Equal(name + "-3", AutomaticSnapshot.NameFor(Now, [name + "-2", name]));
        // Otherwise --as-of would take it for a time.
        Assert.Null(Times.Find(name, TimeProvider.System));
    }

    [Theory]
    [InlineData("snapshot", "create", "yesterday")]
    [InlineData("snapshot", "create", "2h")]
    [InlineData("snapshot", "create", "s", "--at", "soon")]
    [InlineData("snapshot", "create", "s", "--pin-until", "yesterday")]
    [InlineData("snapshot", "create")]
    [InlineData("snapshot")]
    [InlineData("retention")]
    [InlineData("retention", "preview")]
    [InlineData("retention", "preview", "--keep-last", "-1")]
    [InlineData("retention", "preview", "--keep-last", "x")]
    [InlineData("retention", "apply", "--keep-last", "3")]
    [InlineData("list", "--as-of", "no such/name")]
    [InlineData("find", "")]
    [InlineData("undelete", ".")]
    public async Task What_makes_no_sense_is_refused_before_anybody_is_asked(params string[] words)
    {
        using var machine = new TestSurroundings();
        machine["BACKUP_SERVERS"] = "http://localhost:1";
        Assert.Equal(ExitCode.Usage, await machine.RunAsync(["--root", machine.Root, "--client", new string('a', 32), .. words]));
        Assert.StartsWith("error:", machine.Error);
    }

    [Fact]
    public void A_policy_may_stand_in_the_configuration_and_belongs_to_its_root()
    {
        using var machine = new TestSurroundings();
        machine.Folder.File("root/backup.json", """{ "root": ".", "retention": { "last": 3, "daily": 7 } }""");
        Assert.Equal(new RetentionPolicy(Last: 3, Daily: 7), Settings.Load(machine.ToSurroundings(), GlobalChoices.None).Retention);
        Assert.Null(Settings.Load(machine.ToSurroundings(), GlobalChoices.None with { Root = machine.Folder.Folder("other") }).Retention);
    }

    [Fact]
    public async Task A_policy_in_the_configuration_is_no_leave_to_drop_anything()
    {
        using var machine = new TestSurroundings();
        machine.Folder.File("root/backup.json", """{ "root": ".", "retention": { "last": 3 } }""");
        Assert.Equal(ExitCode.Usage, await machine.RunAsync("retention", "apply"));
        Assert.Contains("--yes", machine.Error);
    }

    [Fact]
    public void A_preview_says_what_stays_why_and_what_goes()
    {
        var reply = new RetentionReply([new KeptSnapshot(new Snapshot("new", 3000, true), ["last", "daily"])], [new Snapshot("old", 1000, true)], 12, 2048, 0);
        var lines = RetentionText.Lines(reply, applied: false, TimeProvider.System).ToList();
        Assert.StartsWith("goes", lines[1]);
        Assert.StartsWith("stays", lines[2]);
        Assert.EndsWith("last, daily", lines[2]);
        Assert.Equal("keeps 1 snapshot; drops 1 snapshot and 12 versions of 2.0 KiB", lines[^1]);
        Assert.Contains("retention undo", RetentionText.Lines(reply with { UndoUntilMs = 5000 }, applied: true, TimeProvider.System).Last());
    }

    [Fact]
    public void Folders_are_no_files()
    {
        Assert.Equal("3 files", Sizes.FilesAndFolders(3, 0));
        Assert.Equal("1 file and 2 folders", Sizes.FilesAndFolders(1, 2));
    }

    /// <summary>Nobody listens at the port: the first notice comes after two seconds, long before patience ends.</summary>
    [Fact]
    public async Task Whom_it_waits_for_is_said()
    {
        using var holder = new TcpListener(IPAddress.Loopback, 0);
        holder.Start();
        var server = new Uri($"http://127.0.0.1:{((IPEndPoint)holder.LocalEndpoint).Port}");
        holder.Stop();
        using var stop = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        var told = new List<(Uri, Failure)>();
        var cluster = new ClusterConnection([server], ClientId.New())
        {
            Waiting = (at, why) =>
            {
                told.Add((at, why));
                stop.CancelAfter(TimeSpan.FromSeconds(1));
            },
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cluster.AskAsync(node => node.ClusterAsync(stop.Token), stop.Token));
        var (to, reason) = Assert.Single(told);
        Assert.Equal(server, to);
        Assert.Equal(FailureCode.NodeUnreachable, reason.Code);
    }
}
