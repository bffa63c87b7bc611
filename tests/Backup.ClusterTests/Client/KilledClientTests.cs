using System.Diagnostics;

namespace Backup.ClusterTests.Client;

/// <summary>
/// The client as a program, which is killed (SIGKILL) at any moment of a backup or a restore while nodes are killed too. The same
/// command, given again, does what is left to be done.
/// </summary>
public sealed class KilledClientTests(Xunit.Abstractions.ITestOutputHelper output)
{
    /// <summary>A round takes some seconds: many are made on demand.</summary>
    private static readonly int Rounds = Environment.GetEnvironmentVariable("BACKUP_LONG_TESTS") is null ? 1 : 12;

    /// <summary>Larger than what is sent at the pace below before the latest kill.</summary>
    private const int Files = 60, FileBytesMax = 1_500_000;

    private const string Pace = "8MiB";

    /// <summary>From when the program has hardly begun to when it is in the middle of its work, on a machine that is busy too.</summary>
    private static readonly TimeSpan KillBackupMax = TimeSpan.FromSeconds(3), KillRestoreMax = TimeSpan.FromSeconds(1.2);

    /// <summary>While a node is away a command may give up in time, and is given again.</summary>
    private const int AttemptsMax = 10;

    private readonly Random random = new(1);
    private int kills;

    [Fact, Trait("Runs", "long")]
    public async Task A_backup_and_a_restore_that_were_killed_are_completed_by_the_same_command()
    {
        await using var cluster = await RunningCluster.StartAsync(nodes: 3);
        using var machine = new ClientMachine(cluster);
        for (var i = 0; i < Files; i++)
            Rewrite(machine, i);
        for (var round = 0; round < Rounds; round++)
        {
            await KillInTheMiddleAsync(machine, KillBackupMax, "backup", "--limit", Pace);
            // What was being stored is changed, and something goes, before the next run.
            Rewrite(machine, random.Next(Files));
            File.Delete(Path.Join(machine.Root, Name(random.Next(Files))));
            var node = $"node-{random.Next(1, cluster.Nodes + 1)}";
            await cluster.KillAsync(node);
            await Task.WhenAll(CompleteAsync(machine, "backup"), cluster.StartAgainAsync(node));

            var to = machine.At($"back-{round}");
            await KillInTheMiddleAsync(machine, KillRestoreMax, "restore", "--to", to);
            await CompleteAsync(machine, "restore", "--to", to);
            Assert.Equal(Tree(machine.Root), Tree(to));
        }
        output.WriteLine($"{Rounds} rounds, {kills} kills of a client that had not ended");
        (await machine.RunAsync("verify", "--read-data")).Expect(Backup.Client.ExitCode.Done);
    }

    private async Task KillInTheMiddleAsync(ClientMachine machine, TimeSpan latest, params string[] arguments)
    {
        var start = new ProcessStartInfo(ClientMachine.Program, ["--root", machine.Root, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = machine.Root };
        (start.Environment["HOME"], start.Environment["BACKUP_SERVERS"]) = (machine.Home, machine.Servers);
        using var client = Process.Start(start)!;
        client.OutputDataReceived += (_, _) => { };
        client.ErrorDataReceived += (_, _) => { };
        client.BeginOutputReadLine();
        client.BeginErrorReadLine();
        using var life = new CancellationTokenSource(latest * random.NextDouble());
        try
        {
            await client.WaitForExitAsync(life.Token);
        }
        catch (OperationCanceledException)
        {
            kills++;
            client.Kill();
            await client.WaitForExitAsync();
        }
    }

    private static async Task CompleteAsync(ClientMachine machine, params string[] arguments)
    {
        for (var attempt = 1; ; attempt++)
        {
            var ran = await machine.RunAsync(arguments);
            if (ran.Code == Backup.Client.ExitCode.Done)
                return;
            Assert.True(attempt < AttemptsMax, $"{string.Join(' ', arguments)}: {ran.Code}\n{ran.Out}\n{ran.Error}");
        }
    }

    private void Rewrite(ClientMachine machine, int file) => machine.Write(Name(file), Payload.Bytes(random.Next(), random.Next(3) == 0 ? random.Next(FileBytesMax) : random.Next(20_000)));

    private static string Name(int file) => $"d{file % 4}/f{file:d2}";

    /// <summary>Every file with its content's digest.</summary>
    private static string[] Tree(string folder) => [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
        .Select(path => $"{Path.GetRelativePath(folder, path)} {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(path)))}").Order(StringComparer.Ordinal)];
}
