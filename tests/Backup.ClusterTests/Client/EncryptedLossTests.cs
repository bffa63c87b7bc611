using Backup.Client;

namespace Backup.ClusterTests.Client;

/// <summary>The metadata is lost, and what it is made anew from is encrypted: names are found, and the client reads them as before.</summary>
public sealed class EncryptedLossTests
{
    [LongFact, Trait("Runs", "long")]
    public async Task Metadata_rebuilt_from_what_nobody_can_read_is_the_same_to_the_client()
    {
        await using var rig = await ClusterOnRedis.StartAsync(isExternal: false);
        using var machine = new ClientMachine(rig.Cluster) { [KeyCommand.PassphraseVariable] = "five words do very well" };
        (await machine.RunAsync("init", "--encrypt", "--user", "--force")).Expect(ExitCode.Done);
        machine.Write("folder/letter", "before");
        machine.Write("folder/large", Payload.Bytes(5, 9 << 20));
        (await machine.RunAsync("backup")).Expect(ExitCode.Done);
        machine.Write("folder/letter", "after");
        (await machine.RunAsync("backup")).Expect(ExitCode.Done);
        var list = (await machine.RunAsync("list", "--json")).Expect(ExitCode.Done).Out;
        var versions = (await machine.RunAsync("versions", "folder/letter", "--json")).Expect(ExitCode.Done).Out;

        await rig.FlushAsync();
        await rig.RebuiltAsync(0);
        Assert.Equal(list, (await machine.RunAsync("list", "--json")).Expect(ExitCode.Done).Out);
        Assert.Equal(versions, (await machine.RunAsync("versions", "folder/letter", "--json")).Expect(ExitCode.Done).Out);
        (await machine.RunAsync("restore", "--to", machine.At("back"))).Expect(ExitCode.Done);
        Assert.Equal("after", File.ReadAllText(machine.At("back/folder/letter")));
        Assert.Equal(Payload.Bytes(5, 9 << 20), File.ReadAllBytes(machine.At("back/folder/large")));
        (await machine.RunAsync("verify", "--read-data")).Expect(ExitCode.Done);
        machine.Write("folder/letter", "later");
        (await machine.RunAsync("backup")).Expect(ExitCode.Done);
    }
}
