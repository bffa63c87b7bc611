using System.Net;
using System.Text;
using Backup.Client;
using Backup.Protocol;

namespace Backup.ClusterTests.Client;

/// <summary>A client that encrypts, on a whole cluster: every command works, nothing readable is stored, and the key can be lost and found.</summary>
[Collection(ClusterCollection.Name)]
public sealed class EncryptionTests(ClusterFixture fixture) : IDisposable
{
    private const string Passphrase = "five words do very well";

    /// <summary>Another one for each test: others store the same in the clear, to show that it is refused.</summary>
    private readonly string secretName = $"Kontoauszug-{Guid.NewGuid()}";
    private readonly string secretText = $"the content that nobody may read: {Guid.NewGuid()}";

    private readonly RunningCluster cluster = fixture.Cluster;
    private readonly ClientMachine machine = new(fixture.Cluster) { [KeyCommand.PassphraseVariable] = Passphrase };

    public void Dispose() => machine.Dispose();

    [Fact]
    public async Task Every_command_works_as_without()
    {
        await InitAsync();
        machine.Write($"{secretName}/letter.txt", secretText);
        machine.Write($"{secretName}/deeper/large", Payload.Bytes(3, 9 << 20));
        machine.Write("empty", "");
        machine.Write(new string('x', 255), "a long name");
        File.CreateSymbolicLink(Path.Join(machine.Root, "link"), $"{secretName}/letter.txt");
        var backup = (await machine.RunAsync("backup", "--json")).Expect(ExitCode.Done).Json;
        Assert.Equal(5, backup.GetProperty("stored").GetInt64());
        Assert.Equal(0, (await machine.RunAsync("backup", "--json")).Expect(ExitCode.Done).Json.GetProperty("stored").GetInt64());
        // Without its catalogue it looks at the cluster's list, whose order is another one.
        Directory.Delete(Path.Join(machine.Home, ".cache"), recursive: true);
        Assert.Equal(0, (await machine.RunAsync("backup", "--json")).Expect(ExitCode.Done).Json.GetProperty("stored").GetInt64());

        var names = (await machine.RunAsync("list", "--json")).Expect(ExitCode.Done).JsonLines.Select(line => line.GetProperty("path").GetString()!).ToList();
        Assert.Equal([secretName, $"{secretName}/deeper", $"{secretName}/deeper/large", $"{secretName}/letter.txt", "empty", "link", new string('x', 255)], names);
        Assert.Contains("letter.txt", (await machine.RunAsync("list", secretName + "/")).Expect(ExitCode.Done).Out);
        Assert.Contains("letter.txt", (await machine.RunAsync("find", "*.txt")).Expect(ExitCode.Done).Out);
        Assert.Equal(secretText, (await machine.RunAsync("restore", $"{secretName}/letter.txt", "--to", machine.At("one"))).Expect(ExitCode.Done) is { } ? File.ReadAllText(machine.At($"one/{secretName}/letter.txt")) : "");
        Assert.Contains("node-", (await machine.RunAsync("where", $"{secretName}/letter.txt")).Expect(ExitCode.Done).Out);
        (await machine.RunAsync("verify", "--read-data")).Expect(ExitCode.Done);
        Assert.Equal(4, (await machine.RunAsync("drill", "--json")).Expect(ExitCode.Done).Json.GetProperty("compared").GetInt64());

        var before = (await machine.RunAsync("snapshot", "list", "--json")).Expect(ExitCode.Done).JsonLines[^1].GetProperty("name").GetString()!;
        machine.Write($"{secretName}/letter.txt", "changed");
        File.Delete(Path.Join(machine.Root, "empty"));
        (await machine.RunAsync("backup")).Expect(ExitCode.Done);
        var diff = (await machine.RunAsync("diff", before, "--json")).Expect(ExitCode.Done).JsonLines.Select(line => $"{line.GetProperty("change").GetString()} {line.GetProperty("path").GetString()}");
        Assert.Contains($"changed {secretName}/letter.txt", diff);
        Assert.Contains("deleted empty", diff);
        Assert.Equal(2, (await machine.RunAsync("versions", $"{secretName}/letter.txt", "--json")).Expect(ExitCode.Done).JsonLines.Length);
        (await machine.RunAsync("undelete", "empty")).Expect(ExitCode.Done);
        (await machine.RunAsync("delete", secretName)).Expect(ExitCode.Done);
        (await machine.RunAsync("restore", "--to", machine.At("all"), "--as-of", before)).Expect(ExitCode.Done);
        Assert.Equal(secretText, File.ReadAllText(machine.At($"all/{secretName}/letter.txt")));
        Assert.Equal(Payload.Bytes(3, 9 << 20), File.ReadAllBytes(machine.At($"all/{secretName}/deeper/large")));
        Assert.Equal($"{secretName}/letter.txt", new FileInfo(machine.At("all/link")).LinkTarget);
    }

    [Fact]
    public async Task Nothing_readable_is_stored_and_what_repeats_is_stored_once()
    {
        await InitAsync();
        machine.Write(secretName, secretText);
        var twice = Payload.Bytes(11, 3 << 20);
        machine.Write("one", twice);
        (await machine.RunAsync("backup")).Expect(ExitCode.Done);
        machine.Write("two", twice);
        var second = (await machine.RunAsync("backup", "--json")).Expect(ExitCode.Done).Json;
        Assert.InRange(second.GetProperty("bytesSent").GetInt64(), 1, 10_000);
        foreach (var pack in Directory.EnumerateFiles(cluster.DataDirectory, "*.pack", SearchOption.AllDirectories))
        {
            var bytes = await File.ReadAllBytesAsync(pack);
            Assert.True(bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(secretName)) < 0, pack);
            Assert.True(bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(secretText)) < 0, pack);
            Assert.True(bytes.AsSpan().IndexOf(twice.AsSpan(0, 64)) < 0, pack);
        }
    }

    [Fact]
    public async Task A_machine_without_the_key_gets_nothing_and_stores_nothing_in_the_clear()
    {
        await InitAsync();
        machine.Write("file", secretText);
        (await machine.RunAsync("backup")).Expect(ExitCode.Done);
        ForgetKey();
        foreach (var command in new[] { "backup", "list", "restore --to ../x", "cat file", "versions file", "find *", "verify", "drill", "delete file" })
        {
            var ran = (await machine.RunAsync(command.Split(' '))).Expect(ExitCode.Failed);
            Assert.Contains("key unlock", ran.Error);
        }
        Assert.Contains("its key is not here", (await machine.RunAsync("key", "status")).Expect(ExitCode.Done).Out);
    }

    [Fact]
    public async Task A_lost_key_comes_back_by_passphrase_or_recovery_key_and_by_no_other()
    {
        var recoveryKey = await InitAsync();
        machine.Write("file", secretText);
        (await machine.RunAsync("backup")).Expect(ExitCode.Done);

        ForgetKey();
        machine[KeyCommand.PassphraseVariable] = "five words do not do it";
        Assert.Contains("does not open the key", (await machine.RunAsync("key", "unlock")).Expect(ExitCode.Failed).Error);
        machine[KeyCommand.PassphraseVariable] = Passphrase;
        (await machine.RunAsync("key", "unlock")).Expect(ExitCode.Done);
        Assert.Contains("file", (await machine.RunAsync("list")).Expect(ExitCode.Done).Out);

        ForgetKey();
        machine[KeyCommand.RecoveryKeyVariable] = RecoveryKey.Text(Secret.New());
        (await machine.RunAsync("key", "unlock", "--recovery")).Expect(ExitCode.Failed);
        machine[KeyCommand.RecoveryKeyVariable] = recoveryKey;
        (await machine.RunAsync("key", "unlock", "--recovery")).Expect(ExitCode.Done);
        (await machine.RunAsync("restore", "--to", machine.At("back"))).Expect(ExitCode.Done);
        Assert.Equal(secretText, File.ReadAllText(machine.At("back/file")));
    }

    [Fact]
    public async Task After_a_change_the_new_passphrase_opens_it_the_old_one_does_not_and_old_files_are_read()
    {
        await InitAsync();
        machine.Write("file", secretText);
        (await machine.RunAsync("backup")).Expect(ExitCode.Done);
        machine[KeyCommand.NewPassphraseVariable] = "too short";
        (await machine.RunAsync("key", "passphrase")).Expect(ExitCode.Usage);
        machine[KeyCommand.NewPassphraseVariable] = "another one altogether";
        (await machine.RunAsync("key", "passphrase")).Expect(ExitCode.Done);
        var recoveryKey = (await machine.RunAsync("key", "recovery", "--json")).Expect(ExitCode.Done).Json.GetProperty("recoveryKey").GetString()!;
        ForgetKey();
        (await machine.RunAsync("key", "unlock")).Expect(ExitCode.Failed);
        machine[KeyCommand.PassphraseVariable] = "another one altogether";
        (await machine.RunAsync("key", "unlock")).Expect(ExitCode.Done);
        ForgetKey();
        machine[KeyCommand.RecoveryKeyVariable] = recoveryKey;
        (await machine.RunAsync("key", "unlock", "--recovery")).Expect(ExitCode.Done);
        (await machine.RunAsync("restore", "--to", machine.At("back"))).Expect(ExitCode.Done);
        Assert.Equal(secretText, File.ReadAllText(machine.At("back/file")));
    }

    [Fact]
    public async Task A_root_with_stored_files_cannot_begin_to_encrypt()
    {
        machine.Write("file", secretText);
        (await machine.RunAsync("backup")).Expect(ExitCode.Done);
        var ran = (await machine.RunAsync("init", "--encrypt", "--user")).Expect(ExitCode.Failed);
        Assert.Contains("has files stored already", ran.Error);
        Assert.False(File.Exists(Path.Join(machine.Home, ".config/backup/backup.json")));
        Assert.Contains("does not encrypt", (await machine.RunAsync("key", "status")).Expect(ExitCode.Done).Out);
    }

    /// <summary>A gateway would have to store what it is sent as it is, and could not find what is stored.</summary>
    [Fact]
    public async Task A_gateway_refuses_plain_files_of_a_client_that_encrypts_and_says_why()
    {
        await InitAsync();
        using var http = new HttpClient { BaseAddress = cluster.Addresses()[0] };
        http.DefaultRequestHeaders.Add("Authorization", "Bearer " + machine.Token());
        foreach (var request in new[] { (HttpMethod.Put, "letter"), (HttpMethod.Get, "letter"), (HttpMethod.Delete, "letter"), (HttpMethod.Put, ".backup-cluster-key") })
        {
            using var message = new HttpRequestMessage(request.Item1, "/files/" + request.Item2) { Content = request.Item1 == HttpMethod.Put ? new StringContent(secretText) : null };
            using var answer = await http.SendAsync(message);
            Assert.True(answer.StatusCode is HttpStatusCode.Conflict or HttpStatusCode.BadRequest, $"{request}: {answer.StatusCode}");
            if (answer.StatusCode == HttpStatusCode.Conflict)
                Assert.Contains("encrypted at the client", await answer.Content.ReadAsStringAsync());
        }
    }

    /// <summary>Whoever stole a token can store, but neither read nor be mistaken for the client.</summary>
    [Fact]
    public async Task Files_planted_without_the_key_are_left_out_and_named()
    {
        await InitAsync();
        machine.Write("file", secretText);
        (await machine.RunAsync("backup")).Expect(ExitCode.Done);
        Assert.True(AccessToken.TryParse(machine.Token(), out var token));
        var thief = new ClusterConnection(cluster.Addresses(), token.Client, new NodeClients(new ProvingNetwork(Shown.Token(token))));
        await thief.UploadAsync(Transfers.File("planted", 1, 100));
        await thief.UploadAsync(Transfers.File(EncryptedClients.KeyPath.Value, 2, 300));

        var list = (await machine.RunAsync("list")).Expect(ExitCode.Done);
        Assert.Equal("file", list.Out.Trim().Split(' ')[^1]);
        Assert.Contains("not made with this client's key", list.Error);
        // The planted key is none: the one before it counts.
        ForgetKey();
        (await machine.RunAsync("key", "unlock")).Expect(ExitCode.Done);
        (await machine.RunAsync("restore", "--to", machine.At("back"))).Expect(ExitCode.Done);
    }

    private async Task<string> InitAsync() =>
        (await machine.RunAsync("init", "--encrypt", "--user", "--force", "--json")).Expect(ExitCode.Done).Json.GetProperty("recoveryKey").GetString()!;

    private void ForgetKey()
    {
        var path = Path.Join(machine.Home, ".config/backup/clients.json");
        var json = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        Assert.True(json.Remove("keys"));
        File.WriteAllText(path, json.ToJsonString());
    }
}
