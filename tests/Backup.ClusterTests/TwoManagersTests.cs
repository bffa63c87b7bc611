using System.Diagnostics;
using Backup.Protocol;

namespace Backup.ClusterTests;

/// <summary>Two managers run at once; one is killed, then one hangs, under load, and nobody is told of a failure.</summary>
public class TwoManagersTests
{
    [LongFact, Trait("Runs", "long")]
    public async Task Uploads_go_on_when_one_manager_is_killed_and_when_one_hangs()
    {
        await using var cluster = await RunningCluster.StartAsync(null, 3, "--Cluster:Managers=2");
        var connection = cluster.Connect(ClientId.New());
        var stored = 0;
        using var stop = new CancellationTokenSource();
        var load = Task.Run(async () =>
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                var receipt = await connection.UploadAsync(Transfers.File($"load/{i}", i, 2000 + i));
                Assert.Equal(2, receipt.Nodes.Length);
                Volatile.Write(ref stored, i + 1);
            }
        });
        await MoreAsync(10);
        await cluster.KillAsync("manager");
        await MoreAsync(10);
        await cluster.StartAgainAsync("manager");
        await MoreAsync(10);
        // Stopped as by SIGSTOP it takes connections and says nothing; resumed, it finds that others went on.
        var paused = await cluster.ProcessIdAsync("manager-2");
        await SignalAsync("STOP", paused);
        await MoreAsync(10);
        await SignalAsync("CONT", paused);
        await MoreAsync(10);
        await cluster.KillAsync("manager");
        await MoreAsync(10);
        await stop.CancelAsync();
        await load;
        for (var i = 0; i < stored; i++)
            Assert.NotNull(await connection.LookupAsync($"load/{i}"));
        // A lease may lapse for a moment on a busy machine.
        using var patience = new CancellationTokenSource(RunningCluster.PatienceMax);
        while ((await connection.StatusAsync()).Nodes.Count(node => node.State == NodeState.Alive) != 3)
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, patience.Token);

        async Task MoreAsync(int files)
        {
            var enough = Volatile.Read(ref stored) + files;
            using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
            while (Volatile.Read(ref stored) < enough && !load.IsCompleted)
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, patience.Token);
            if (load.IsCompleted)
                await load;
        }
    }

    private static async Task SignalAsync(string signal, int process)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{process}"]);
        await kill.WaitForExitAsync();
        Assert.Equal(0, kill.ExitCode);
    }
}
