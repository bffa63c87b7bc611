using Backup.Client;
using Backup.Manager.Access;
using Backup.Manager.Redis;
using Backup.Protocol;
using Backup.ServiceDefaults;
using Backup.Tests.Client;
using Backup.Tests.Manager;
using Microsoft.Extensions.DependencyInjection;

namespace Backup.Tests.Access;

/// <summary>The client's side: it enrols by itself, keeps what it got where only its owner reads, and says what to do where it cannot.</summary>
[Collection(OnGarnet.Name)]
public sealed class ClientEnrolsTests(GarnetFixture fixture)
{
    private const string Kept = "home/.config/backup/clients.json";

    [Fact]
    public async Task On_loopback_without_a_question_and_again_when_the_cluster_was_thrown_away()
    {
        await using var redis = await ManagersOnRedis.StartAsync(fixture);
        await using var manager = await ManagerAsync(SecurityOptions.Loopback);
        using var machine = Machine(manager);
        var here = machine.ToSurroundings();
        Assert.Equal(ExitCode.Done, await machine.RunAsync("backup", "--dry-run"));
        Assert.False(File.Exists(machine.Folder.At(Kept)));

        var client = Identities.FindOrMake(here, machine.Root);
        Assert.Equal(ExitCode.Done, await machine.RunAsync("list"));
        Assert.Equal(0x180, machine.Folder.Mode(Kept));
        var token = Assert.Single(Identities.Tokens(here, client, [manager.Address]));
        Assert.Single(Identities.Tokens(here, client, [new Uri("http://localhost:1")]));
        Assert.Empty(Identities.Tokens(here, client, [new Uri("http://node.example:7101")]));

        await redis.Database.KeyDeleteAsync(Keys.Tokens(client));
        Assert.Equal(ExitCode.Done, await machine.RunAsync("list"));
        Assert.NotEqual(token.Secret.Hash, Identities.Tokens(here, client, [manager.Address])[0].Secret.Hash);
        Assert.DoesNotContain("backup_", machine.Out + machine.Error);
    }

    [Fact]
    public async Task Commands_that_need_the_first_token_at_once_share_one()
    {
        await using var redis = await ManagersOnRedis.StartAsync(fixture);
        await using var manager = await ManagerAsync(SecurityOptions.Loopback);
        using var machine = Machine(manager);
        var here = machine.ToSurroundings();
        Uri[] servers = [manager.Address];
        for (var turn = 0; turn < 5; turn++)
        {
            var client = ClientId.New();
            using var together = new Barrier(3);
            await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
            {
                var kept = new KeptTokens(() => Identities.Tokens(here, client, servers), token => Identities.Keep(here, token, servers),
                    token => Identities.Drop(here, token), ct => Identities.AloneAsync(here, client, ct));
                var node = new NodeClients(new ProvingNetwork(new Enrolment(client, kept))).At(manager.Address);
                together.SignalAndWait();
                Assert.Empty((await node.ListAsync(client, new ListRequest("", null, 10), default)).Files);
            })));
            Assert.Single(Identities.Tokens(here, client, servers));
        }
    }

    [Fact]
    public async Task A_lost_token_is_not_made_up_for_by_asking_again()
    {
        await using var redis = await ManagersOnRedis.StartAsync(fixture);
        await using var manager = await ManagerAsync(SecurityOptions.Loopback);
        using var machine = Machine(manager);
        var client = Identities.FindOrMake(machine.ToSurroundings(), machine.Root);
        Assert.Equal(ExitCode.Done, await machine.RunAsync("list"));
        using var other = Machine(manager);
        Assert.Equal(ExitCode.Failed, await other.RunAsync("--client", client.ToString(), "list"));
        Assert.Contains("has enrolled before", other.Error);
        Assert.Empty(Identities.Tokens(other.ToSurroundings(), client, [manager.Address]));

        other["BACKUP_TOKEN"] = Identities.Tokens(machine.ToSurroundings(), client, [manager.Address])[0].Reveal();
        Assert.Equal(ExitCode.Done, await other.RunAsync("--client", client.ToString(), "list"));
        Assert.Equal(ExitCode.Usage, await other.RunAsync("--client", ClientId.New().ToString(), "list"));
    }

    [Fact]
    public async Task Elsewhere_with_an_invitation_and_never_twice_with_the_same()
    {
        await using var redis = await ManagersOnRedis.StartAsync(fixture);
        await using var manager = await ManagerAsync(SecurityOptions.Invitation);
        using var machine = Machine(manager);
        Identities.FindOrMake(machine.ToSurroundings(), machine.Root);
        Assert.Equal(ExitCode.Failed, await machine.RunAsync("cluster", "status"));
        Assert.Equal(ExitCode.Failed, await machine.RunAsync("list"));
        Assert.Contains("invitation", machine.Error);

        var invitation = (await manager.Services.GetRequiredService<Tokens>().InviteAsync(new InviteRequest(Scope.List), default)).Invitation;
        machine["BACKUP_INVITATION"] = invitation;
        Assert.Equal(ExitCode.Done, await machine.RunAsync("list"));
        Assert.Equal(ExitCode.Done, await machine.RunAsync("list"));
        using var second = Machine(manager);
        Identities.FindOrMake(second.ToSurroundings(), second.Root);
        second["BACKUP_INVITATION"] = invitation;
        Assert.Equal(ExitCode.Failed, await second.RunAsync("list"));
        Assert.DoesNotContain(invitation, machine.Error + second.Error);
        machine["BACKUP_INVITATION"] = "not one";
        Assert.Equal(ExitCode.Usage, await machine.RunAsync("list"));
    }

    private async Task<ServerInProcess> ManagerAsync(string enrolment) => await ServerInProcess.ManagerAsync((await fixture.ServerAsync()).ConnectionString, enrolment);

    /// <summary>The manager answers what these commands ask; a node would ask it.</summary>
    private static TestSurroundings Machine(ServerInProcess manager)
    {
        var machine = new TestSurroundings();
        machine["BACKUP_SERVERS"] = manager.Address.ToString();
        machine["BACKUP_ROOT"] = machine.Root;
        return machine;
    }
}
