using System.Text;
using System.Text.Json.Nodes;
using Backup.Client;
using Backup.Protocol;

namespace Backup.Tests.Client;

/// <summary>The wrapped key, as anybody with a token could have written it.</summary>
public sealed class KeyFileTests
{
    private static readonly ClientId Client = ClientId.New();
    private static readonly Secret MasterKey = Secret.New();
    private static readonly Secret Recovery = Secret.New();
    private static readonly KeyFile File = KeyFile.Wrap(Client, MasterKey, "five words do very well", Recovery);

    [Fact]
    public void Passphrase_and_recovery_key_open_it_and_nothing_else_does()
    {
        var read = KeyFile.TryParse(File.ToBytes(), Client)!;
        Assert.Equal(MasterKey.Reveal(), read.OpenByPassphrase("five words do very well")!.Reveal());
        Assert.Equal(MasterKey.Reveal(), read.OpenByRecoveryKey(Recovery)!.Reveal());
        Assert.Null(read.OpenByPassphrase("five words do very well "));
        Assert.Null(read.OpenByRecoveryKey(Secret.New()));
        Assert.DoesNotContain(MasterKey.Reveal(), Encoding.UTF8.GetString(File.ToBytes()));
    }

    [Fact]
    public void After_a_change_the_old_passphrase_does_not_open_the_new_file()
    {
        var changed = File.WithPassphrase(MasterKey, "another one altogether");
        Assert.Null(changed.OpenByPassphrase("five words do very well"));
        Assert.Equal(MasterKey.Reveal(), changed.OpenByPassphrase("another one altogether")!.Reveal());
        Assert.Equal(MasterKey.Reveal(), changed.OpenByRecoveryKey(Recovery)!.Reveal());
    }

    [Theory]
    [InlineData("memoryKiB", 2_000_000_000)]
    [InlineData("memoryKiB", 1)]
    [InlineData("memoryKiB", -5)]
    [InlineData("passes", 1_000_000)]
    [InlineData("passes", 0)]
    public void A_header_that_would_cost_the_machine_is_not_used(string name, int value)
    {
        var json = JsonNode.Parse(File.ToBytes())!;
        json["cost"]![name] = value;
        Assert.Null(KeyFile.TryParse(Encoding.UTF8.GetBytes(json.ToJsonString()), Client));
    }

    [Fact]
    public void Whatever_is_not_a_key_file_of_the_client_is_none()
    {
        Assert.Null(KeyFile.TryParse(File.ToBytes(), ClientId.New()));
        foreach (var text in new[] { "", "{", "null", "[]", "{}", """{"format":1}""", new string(' ', KeyFile.BytesMax + 1), Encoding.UTF8.GetString(File.ToBytes()).Replace("\"format\": 1", "\"format\": 2") })
            Assert.Null(KeyFile.TryParse(Encoding.UTF8.GetBytes(text), Client));
        foreach (var member in new[] { "cost", "byPassphrase", "byRecoveryKey", "client" })
        {
            var json = JsonNode.Parse(File.ToBytes())!.AsObject();
            json[member] = null;
            Assert.Null(KeyFile.TryParse(Encoding.UTF8.GetBytes(json.ToJsonString()), Client));
        }
        // Cheaper to guess, with the wrapped key left as it was: the cost is bound to it.
        var cheaper = JsonNode.Parse(File.ToBytes())!;
        cheaper["cost"]!["passes"] = 1;
        Assert.Null(KeyFile.TryParse(Encoding.UTF8.GetBytes(cheaper.ToJsonString()), Client)!.OpenByPassphrase("five words do very well"));
    }

    /// <summary>As `salvage` writes it out of a node's directory, when there is no cluster any more.</summary>
    [Theory]
    [InlineData(KeyCommand.PassphraseVariable, "five words do very well")]
    [InlineData(KeyCommand.RecoveryKeyVariable, null)]
    public async Task A_stored_key_is_opened_from_a_file_without_a_cluster(string variable, string? passphrase)
    {
        using var machine = new TestSurroundings { [variable] = passphrase ?? RecoveryKey.Text(Recovery) };
        var stored = System.IO.Path.Join(machine.Root, "stored");
        System.IO.File.WriteAllBytes(stored, File.ToBytes());
        string[] more = passphrase is null ? ["--recovery"] : [];
        Assert.Equal(ExitCode.Done, await machine.RunAsync(["key", "unlock", "--from", stored, .. more]));
        Assert.Equal(MasterKey.Reveal(), Identities.Key(machine.ToSurroundings(), Client)!.Reveal());

        machine[variable] = passphrase is null ? RecoveryKey.Text(Secret.New()) : "five words do not do it";
        Assert.Equal(ExitCode.Failed, await machine.RunAsync(["key", "unlock", "--from", stored, .. more]));
        System.IO.File.WriteAllText(stored, "{}");
        Assert.Equal(ExitCode.Failed, await machine.RunAsync(["key", "unlock", "--from", stored, .. more]));
        Assert.Equal(ExitCode.Failed, await machine.RunAsync(["key", "unlock", "--from", stored + "-not", .. more]));
    }

    [Fact]
    public void A_recovery_key_is_read_from_paper_and_a_slip_of_the_pen_is_seen()
    {
        var text = RecoveryKey.Text(Recovery);
        Assert.Equal(Recovery.Reveal(), RecoveryKey.Parse(text.ToLowerInvariant().Replace('-', ' ')).Reveal());
        var other = (text[0] == '0' ? '1' : '0') + text[1..];
        foreach (var wrong in new[] { "", "x", other, text[..^1], text + "0" })
            Assert.Equal(FailureCode.InvalidRequest, Assert.Throws<FailureException>(() => RecoveryKey.Parse(wrong)).Failure.Code);
    }
}
