using System.CommandLine;
using Backup.Protocol;

namespace Backup.Client;

/// <summary><c>init</c></summary>
internal sealed class InitCommand : CommandLineCommand
{
    private readonly Option<string[]> exclude = new("--exclude") { Description = "A pattern, as in a .gitignore, of what to leave out; may be given several times", HelpName = "PATTERN" };
    private readonly Option<string?> bandwidth = new("--bandwidth") { Description = "Never send faster than this: " + Bandwidth.Help, HelpName = "RATE" };
    private readonly Option<bool> user = new("--user") { Description = "Write the user's own file (~/.config/backup) instead of one in the current folder" };
    private readonly Option<bool> force = new("--force") { Description = "Replace a file that exists" };
    private readonly Option<bool> encrypt = new("--encrypt") { Description = "Encrypt names and content on this machine; asks for a passphrase, or takes BACKUP_PASSPHRASE" };
    private readonly Option<bool> dryRun = DryRunOption("Print the file instead of writing it");
    private readonly RetentionOptions retention = new();

    public InitCommand() : base("init", "Write backup.json: by asking, or from options where nobody can be asked", """
        Examples:
          Backup.Client init
          Backup.Client --root ~/photos --server http://nas:7101 init --user
          Backup.Client --root . init --exclude '*.tmp' --keep-daily 7 -n
          Backup.Client --root ~/letters init --encrypt

        With --root nothing is asked. The file holds servers, root, exclude, include,
        retention and bandwidth; COMMANDS.md describes it.
        """)
    {
        foreach (var option in new Option[] { exclude, bandwidth, encrypt, user, force, dryRun }.Concat(retention.All))
            Add(option);
    }

    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var surroundings = run.Session.Surroundings;
        var path = Path.Join(run.Parsed.GetValue(user) ? UserFolders.Configuration(surroundings) : surroundings.CurrentFolder, ConfigurationFile.FileName);
        if (File.Exists(path) && !run.Parsed.GetValue(force) && !run.Parsed.GetValue(dryRun))
            throw new Failure(FailureCode.AlreadyExists, $"'{path}' exists.", "client", "Edit it, change it in the menu's settings, or pass --force to replace it.").Exception();
        var file = run.Session.Choices.Root is not null ? FromOptions(run) : await AskAsync(run, ct);
        file = file with { Root = Path.GetFullPath(file.Root!, surroundings.CurrentFolder) };
        using (RootDirectory.Open(file.Root))
        {
            // What cannot be opened now is better said now.
        }
        if (run.Parsed.GetValue(dryRun))
        {
            run.Report.Json(new InitShape(path, file), OutputJson.Default.InitShape);
            run.Report.Line(file.ToJson());
            return ExitCode.Done;
        }
        var recoveryKey = run.Parsed.GetValue(encrypt) ? await BeginToEncryptAsync(run, file, ct) : null;
        file.Write(path);
        run.Report.Json(new InitShape(path, file, recoveryKey is null ? null : RecoveryKey.Text(recoveryKey)), OutputJson.Default.InitShape);
        run.Report.Summary($"wrote {path}");
        foreach (var line in recoveryKey is null ? [] : KeyText.Shown(recoveryKey))
            run.Report.Line(line);
        run.Report.Summary($"next: `{surroundings.Name} doctor` looks whether all is well, `{surroundings.Name} backup` makes the first backup");
        return ExitCode.Done;
    }

    /// <summary>Before the file is written: a root that is to be encrypted must not be backed up without.</summary>
    private static async Task<Secret> BeginToEncryptAsync(Invocation run, ConfigurationFile file, CancellationToken ct)
    {
        var passphrase = await Unlocking.NewPassphraseAsync(run.Session, KeyCommand.PassphraseVariable, ct);
        var there = run.Session.Choices with { Root = file.Root, Servers = [.. file.Servers!.Select(server => server.OriginalString)] };
        using var session = new Session(run.Session.Surroundings, there);
        return await new Unlocking(session).BeginAsync(passphrase, ct);
    }

    private ConfigurationFile FromOptions(Invocation run)
    {
        var rate = run.Parsed.GetValue(bandwidth);
        if (rate is not null)
            _ = Bandwidth.Parse(rate);
        var policy = retention.Given(run);
        return new ConfigurationFile([.. Servers(run)], run.Session.Choices.Root, run.Parsed.GetValue(exclude) is { Length: > 0 } patterns ? patterns : null, null,
            policy == new RetentionPolicy() ? null : policy, rate);
    }

    private async Task<ConfigurationFile> AskAsync(Invocation run, CancellationToken ct)
    {
        var surroundings = run.Session.Surroundings;
        if (!surroundings.IsTerminal || run.Report.IsJson)
            throw new Failure(FailureCode.InvalidRequest, "Nobody can be asked for the root.", "client", "Name it with --root DIR, and the nodes with --server URL.").Exception();
        var screen = new Screen(run.Session.Console);
        var root = await screen.AskAsync("Which folder holds the files to back up?", surroundings.CurrentFolder, ct);
        var servers = await screen.AskAsync("At which addresses are nodes? (several: commas between)", string.Join(", ", Servers(run).Select(server => server.OriginalString)), ct);
        var patterns = await screen.AskAsync("What is to be left out? (patterns as in a .gitignore, commas between; Enter: nothing)", "", ct);
        var rate = await screen.AskAsync($"How fast may it send? ({Bandwidth.Help}; Enter: as fast as it can)", "", ct);
        var keep = await screen.ConfirmAsync("Keep 10 snapshots, 7 days, 4 weeks and 12 months when retention is applied?", ct);
        if (rate.Length > 0)
            _ = Bandwidth.Parse(rate);
        var named = GlobalChoices.None with { Servers = Split(servers) };
        return new ConfigurationFile([.. Settings.Load(surroundings, named).Servers], root, Split(patterns) is { Length: > 0 } some ? some : null, null,
            keep ? new RetentionPolicy(Last: 10, Daily: 7, Weekly: 4, Monthly: 12) : null, rate.Length > 0 ? rate : null);
    }

    private static IReadOnlyList<Uri> Servers(Invocation run) => run.Session.Settings.Servers;

    private static string[] Split(string text) => text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}

internal sealed record InitShape(string File, ConfigurationFile Settings, string? RecoveryKey = null);
