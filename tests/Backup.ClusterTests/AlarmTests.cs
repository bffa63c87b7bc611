using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Backup.Client;
using Backup.ClusterTests.Client;
using Backup.Protocol;

namespace Backup.ClusterTests;

/// <summary>The real client backs up a real root, something rewrites nearly all of it, and everybody who should be told is told.</summary>
public class AlarmTests
{
    [Fact]
    public async Task A_root_that_was_rewritten_is_noticed_and_nothing_is_dropped_until_somebody_has_looked()
    {
        using var ear = new HttpListener();
        var (address, told) = Listen(ear);
        // Each backup counts by itself: a test does not wait for hours to pass.
        await using var cluster = await RunningCluster.StartAsync(null, 2, "--Manager:RunsTogether=00:00:00", $"--Manager:Webhooks={address}");
        using var machine = new ClientMachine(cluster);
        for (var i = 0; i < 40; i++)
            machine.Write($"documents/{i:d2}.txt", $"the words of {i}");
        for (var day = 0; day < 4; day++)
        {
            machine.Write("diary.txt", $"day {day}");
            (await machine.RunAsync("backup")).Expect(ExitCode.Done);
        }
        // One that finds nothing to store leaves a trace as well.
        (await machine.RunAsync("backup")).Expect(ExitCode.Done);
        (await machine.RunAsync("drill")).Expect(ExitCode.Done);
        var runs = (await machine.RunAsync("runs", "--json")).Expect(ExitCode.Done).JsonLines;
        Assert.Equal(["drill", "backup", "backup", "backup", "backup", "backup"], runs.Select(run => run.GetProperty("kind").GetString()));
        Assert.Equal([41, 0], runs[..2].Select(run => run.GetProperty("same").GetInt64() - (run.GetProperty("kind").GetString() == "backup" ? 41 : 0)));
        Assert.Equal((41, 0), (runs[^1].GetProperty("added").GetInt64(), runs[^1].GetProperty("changed").GetInt64()));
        (await machine.RunAsync("cluster", "status")).Expect(ExitCode.Done);

        for (var i = 0; i < 40; i++)
            machine.Write($"documents/{i:d2}.txt", Payload.Bytes(i, 50));
        var ran = (await machine.RunAsync("backup")).Expect(ExitCode.Done);
        Assert.Contains("retention pauses", ran.Error);
        var refused = (await machine.RunAsync("retention", "apply", "--keep-last", "1", "--yes")).Expect(ExitCode.Failed);
        Assert.Contains("Retention pauses for this client: the last backup changed or deleted 40 of 41 files", refused.Error);
        Assert.Contains("changed strangely much", (await machine.RunAsync("cluster", "status")).Expect(ExitCode.Degraded).Out);
        var strange = (await machine.RunAsync("cluster", "clients", "--json")).Expect(ExitCode.Degraded).Json;
        Assert.Equal("strange", strange.GetProperty("state").GetString());
        var posted = await ToldAsync(told, EventKind.BackupUnusual, after: 0);
        Assert.Equal(EventSeverity.Error, posted.Severity);

        (await machine.RunAsync("cluster", "fine", strange.GetProperty("client").GetString()!)).Expect(ExitCode.Done);
        Assert.Equal(EventSeverity.Info, (await ToldAsync(told, EventKind.BackupUnusual, posted.Sequence)).Severity);
        (await machine.RunAsync("retention", "apply", "--keep-last", "1", "--yes")).Expect(ExitCode.Done);
        (await machine.RunAsync("cluster", "status")).Expect(ExitCode.Done);
        await SayFineInTheMenuAsync(machine);
    }

    /// <summary>The same once more, for a person who sits before the menu.</summary>
    private static async Task SayFineInTheMenuAsync(ClientMachine machine)
    {
        if (!Terminal.IsThere)
            return;
        for (var i = 0; i < 40; i++)
            machine.Write($"documents/{i:d2}.txt", Payload.Bytes(100 + i, 50));
        (await machine.RunAsync("backup")).Expect(ExitCode.Done);
        await using var terminal = await Terminal.StartAsync(machine, "", columns: 120, rows: 40);
        await terminal.PickAsync("Backup of ", "Cluster");
        await terminal.WaitForAsync("changed strangely much");
        await terminal.PickAsync("Look again", "clients");
        var client = (await machine.RunAsync("settings", "--json")).Json.GetProperty("client").GetString()!;
        await terminal.PickAsync("Whose backup is fine after all?", client[..8]);
        await terminal.AnswerAsync("Does retention go on for it?", "y");
        await terminal.ReadPanelAsync($"Retention goes on for {client}.");
        (await machine.RunAsync("cluster", "status")).Expect(ExitCode.Done);
    }

    /// <summary>On a port that was free a moment ago.</summary>
    private static (string Address, ConcurrentQueue<ClusterEvent> Told) Listen(HttpListener ear)
    {
        using (var probe = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0))
        {
            probe.Start();
            ear.Prefixes.Add($"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}/");
        }
        ear.Start();
        var told = new ConcurrentQueue<ClusterEvent>();
        _ = Task.Run(async () =>
        {
            while (ear.IsListening)
            {
                var context = await ear.GetContextAsync();
                foreach (var happened in (await JsonSerializer.DeserializeAsync(context.Request.InputStream, WireJson.Default.EventsReply))!.Events)
                    told.Enqueue(happened);
                context.Response.Close();
            }
        });
        return (ear.Prefixes.Single(), told);
    }

    /// <summary>The first of this kind after this sequence: on a busy machine there may be others, as of a node that seemed dead, and one may be posted twice.</summary>
    private static async Task<ClusterEvent> ToldAsync(ConcurrentQueue<ClusterEvent> told, EventKind kind, long after)
    {
        using var patience = new CancellationTokenSource(RunningCluster.PatienceMax);
        ClusterEvent? happened;
        while (!told.TryDequeue(out happened) || happened.Kind != kind || happened.Sequence <= after)
        {
            Assert.False(patience.IsCancellationRequested, "Nobody was told.");
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
        }
        return happened;
    }
}
