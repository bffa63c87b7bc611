using Backup.Client;
using Backup.Protocol;

namespace Backup.Tests.Client;

public sealed class SettingsTests : IDisposable
{
    private readonly TestSurroundings machine = new();

    public void Dispose() => machine.Dispose();

    [Fact]
    public void The_nearest_file_upwards_is_taken_and_its_root_is_relative_to_it()
    {
        machine.Folder.File("backup.json", """{ "servers": ["http://a:1"], "root": "root", "exclude": ["*.tmp"] } // mine""");
        machine.CurrentFolder = machine.Folder.Folder("root/deep/down");
        var settings = Load();
        Assert.Equal(machine.Root, settings.Root);
        Assert.Equal([new Uri("http://a:1")], settings.Servers);
        Assert.Equal(["*.tmp"], settings.Exclude);
    }

    [Fact]
    public void The_users_own_file_is_taken_where_there_is_none_upwards()
    {
        machine.Folder.File("home/.config/backup/backup.json", """{ "root": "/somewhere" }""");
        Assert.Equal("/somewhere", Load().Root);
    }

    [Fact]
    public void The_command_line_goes_before_the_environment_and_both_before_the_file()
    {
        machine.Folder.File("backup.json", """{ "servers": ["http://file:1"], "root": "root", "exclude": ["x"] }""");
        machine["BACKUP_SERVERS"] = "http://env:1, http://env:2";
        machine["BACKUP_ROOT"] = "home";
        machine.CurrentFolder = machine.Folder.Path;
        Assert.Equal(["http://env:1/", "http://env:2/"], Load().Servers.Select(s => s.ToString()));
        Assert.Equal(machine.Folder.At("home"), Load().Root);
        // Patterns were written for another root.
        Assert.Empty(Load().Exclude);
        var chosen = Settings.Load(machine.ToSurroundings(), GlobalChoices.None with { Root = ".", Servers = ["host:9"] });
        Assert.Equal(machine.Folder.Path, chosen.Root);
        Assert.Equal("http://host:9/", Assert.Single(chosen.Servers).ToString());
    }

    [Fact]
    public void One_directory_is_one_root_by_whatever_name()
    {
        machine.Folder.Link("alias", machine.Root);
        var settings = Settings.Load(machine.ToSurroundings(), GlobalChoices.None with { Root = machine.Folder.At("alias/") });
        Assert.Equal(machine.Root, settings.Root);
        Assert.Equal(machine.Folder.At("alias"), settings.RootAsGiven);
    }

    [Theory]
    [InlineData("{ \"servers\": 5 }")]
    [InlineData("{ \"rot\": \"x\" }")]
    [InlineData("{")]
    [InlineData("[]")]
    public void A_file_that_makes_no_sense_is_named(string content)
    {
        machine.Folder.File("root/backup.json", content);
        var e = Assert.Throws<FailureException>(Load);
        Assert.Equal(FailureCode.LocalFailed, e.Failure.Code);
        Assert.Contains("backup.json", e.Failure.Message);
    }

    [Theory]
    [InlineData("ftp://host")]
    [InlineData("http://user:secret@host:1")]
    [InlineData("http://")]
    public void An_address_that_makes_no_sense_is_refused_and_not_repeated(string server)
    {
        var e = Assert.Throws<FailureException>(() => Settings.Load(machine.ToSurroundings(), GlobalChoices.None with { Servers = [server] }));
        Assert.DoesNotContain("secret", e.Failure.Message + e.Failure.Advice);
    }

    [Fact]
    public void A_root_has_one_identity_and_another_root_another()
    {
        var here = machine.ToSurroundings();
        Assert.Null(Identities.Find(here, "/a"));
        var a = Identities.FindOrMake(here, "/a");
        Assert.Equal(a, Identities.FindOrMake(here, "/a"));
        Assert.NotEqual(a, Identities.FindOrMake(here, "/b"));
        Assert.Equal(a, Identities.Find(here, "/a"));
        Assert.Equal(0x180, machine.Folder.Mode("home/.config/backup/clients.json"));
    }

    [Fact]
    public void Many_at_once_agree_on_the_identity()
    {
        var here = machine.ToSurroundings();
        var ids = new ClientId[8];
        Parallel.For(0, ids.Length, i => ids[i] = Identities.FindOrMake(here, "/a"));
        Assert.Single(ids.Distinct());
    }

    [Fact]
    public void A_damaged_identity_file_is_a_failure_and_not_a_new_identity()
    {
        machine.Folder.File("home/.config/backup/clients.json", "{ damaged");
        Assert.Equal(FailureCode.LocalFailed, Assert.Throws<FailureException>(() => Identities.FindOrMake(machine.ToSurroundings(), "/a")).Failure.Code);
    }

    private Settings Load() => Settings.Load(machine.ToSurroundings(), GlobalChoices.None);
}
