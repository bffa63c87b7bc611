using System.Diagnostics;
using System.Text;
using Backup.Client;

namespace Backup.ClusterTests.Client;

/// <summary>
/// All that goes over loopback while backups are made and restored, between client, nodes, manager and Redis, as tcpdump
/// records it. Of a client that encrypts neither names nor content are in it; of one that does not both are, which shows that it was looked at.
/// </summary>
[Collection(ClusterCollection.Name)]
public sealed class CaptureTests(ClusterFixture fixture)
{
    [SkippableFact]
    public async Task Of_an_encrypted_backup_neither_content_nor_names_are_on_the_wire()
    {
        Skip.IfNot(Environment.UserName == "root" && new[] { "/usr/bin/tcpdump", "/usr/sbin/tcpdump" }.Any(File.Exists), "tcpdump, and root, are needed to record.");
        using var plain = new ClientMachine(fixture.Cluster);
        using var sealing = new ClientMachine(fixture.Cluster) { [KeyCommand.PassphraseVariable] = "five words do very well" };
        (await sealing.RunAsync("init", "--encrypt", "--user")).Expect(ExitCode.Done);
        var capture = plain.At("capture.pcap");
        using var tcpdump = Process.Start(new ProcessStartInfo("tcpdump", ["-i", "lo", "-s", "0", "-U", "-w", capture, "tcp"]) { RedirectStandardError = true })!;
        // "listening on lo" means that nothing is missed from now on.
        while (await tcpdump.StandardError.ReadLineAsync() is { } line && !line.Contains("listening", StringComparison.Ordinal))
        {
        }
        var words = new Dictionary<ClientMachine, string[]>();
        foreach (var machine in new[] { plain, sealing })
        {
            words[machine] = [$"name-{Guid.NewGuid():N}", $"folder-{Guid.NewGuid():N}", $"content-{Guid.NewGuid():N}", $"target-{Guid.NewGuid():N}"];
            machine.Write($"{words[machine][1]}/{words[machine][0]}", words[machine][2]);
            File.CreateSymbolicLink(Path.Join(machine.Root, "link"), words[machine][3]);
            (await machine.RunAsync("backup")).Expect(ExitCode.Done);
            (await machine.RunAsync("list")).Expect(ExitCode.Done);
            (await machine.RunAsync("restore", "--to", machine.At("back"))).Expect(ExitCode.Done);
            (await machine.RunAsync("verify", "--read-data")).Expect(ExitCode.Done);
            (await machine.RunAsync("delete", words[machine][1])).Expect(ExitCode.Done);
        }
        // By SIGINT it writes out what it holds.
        using (var interrupt = Process.Start("kill", ["-INT", tcpdump.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]))
            await interrupt.WaitForExitAsync();
        await tcpdump.WaitForExitAsync();
        var bytes = await File.ReadAllBytesAsync(capture);
        foreach (var word in words[plain])
            Assert.True(bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes(word)) >= 0, $"{word} was sent, and is not in the capture of {bytes.Length} bytes");
        foreach (var word in words[sealing])
            Assert.True(bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes(word)) < 0, $"{word} is in the capture");
    }
}
