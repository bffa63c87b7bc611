using System.CommandLine;
using System.CommandLine.Help;
using System.Reflection;
using Backup.Protocol;

namespace Backup.Client;

/// <summary>The command line from its words to its exit code. Failures become lines here, and nowhere else.</summary>
internal static class Cli
{
    private static readonly Option<bool> Version = new("--version") { Description = "Show the version" };

    /// <summary>A file may be called "@home".</summary>
    private static readonly ParserConfiguration WithoutResponseFiles = new() { ResponseFileTokenReplacer = null };

    /// <returns>An <see cref="ExitCode"/>.</returns>
    public static async Task<int> RunAsync(string[] args, Surroundings surroundings, CancellationToken ct)
    {
        var options = new GlobalOptions();
        var parsed = MakeRoot(options).Parse(args is ["help", .. var rest] ? [.. rest, "--help"] : args, WithoutResponseFiles);
        var choices = options.Read(parsed, surroundings);
        var report = new Report(surroundings, choices);
        var code = await RunAsync(parsed, surroundings, choices, report, ct);
        return (int)(CanFlush(surroundings, report, isTold: code == ExitCode.Done) ? code : ExitCode.Failed);
    }

    private static async Task<ExitCode> RunAsync(ParseResult parsed, Surroundings surroundings, GlobalChoices choices, Report report, CancellationToken ct)
    {
        try
        {
            return await CarryOutAsync(parsed, surroundings, choices, report, ct);
        }
        catch (FailureException e)
        {
            report.Error(e.Failure);
            return ExitCodes.Of(e.Failure);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            report.Note("Stopped. Run the same command again to go on where it stopped.");
            return ExitCode.Interrupted;
        }
        catch (Exception e)
        {
            report.Error(Unexpected.Record(surroundings, e));
            return ExitCode.Failed;
        }
    }

    private static async Task<ExitCode> CarryOutAsync(ParseResult parsed, Surroundings surroundings, GlobalChoices choices, Report report, CancellationToken ct)
    {
        if (parsed.Action is HelpWithExamples help)
            return (ExitCode)help.Print(parsed, surroundings.Out, surroundings.Name);
        var command = parsed.CommandResult.Command;
        if (parsed.Errors.Count > 0)
            throw Failure.InvalidRequest(parsed.Errors[0].Message.TrimEnd('.') + ".").WithAdvice($"`{Path(command, surroundings.Name)} --help` says what it takes.").Exception();
        if (parsed.GetValue(Version))
        {
            surroundings.Out.WriteLine(typeof(Cli).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0]);
            return ExitCode.Done;
        }
        using var session = new Session(surroundings, choices);
        using var tracing = Tracing.Begin(surroundings);
        await using var stopping = ct.Register(() => session.Say("Stopping. Press Ctrl-C again to stop at once; either way the same command goes on later."));
        if (command is CommandLineCommand runnable)
        {
            using var span = Telemetry.Source.StartActivity(command.Name);
            return await runnable.RunAsync(new Invocation(session, report, parsed), ct);
        }
        if (surroundings.IsTerminal && IsRoot(command))
            return await new Menu(session).RunAsync(ct);
        throw Failure.InvalidRequest("No command is given.").WithAdvice($"`{Path(command, surroundings.Name)} --help` lists them{(IsRoot(command) ? $"; in a terminal, `{surroundings.Name}` alone opens the menu" : "")}.").Exception();
    }

    /// <summary>The commands and the options that all of them take.</summary>
    internal static Command MakeRoot(GlobalOptions options)
    {
        // Not the library's own root command: that bears the name of whatever process it runs in. Nor the name it goes by here:
        // that may be "backup", as a command's is.
        var root = new Command(Surroundings.Product, "Replicated backups: send files to a cluster of nodes and get them back. Without a command, in a terminal, it opens the menu.")
        {
            new InitCommand(), new BackupCommand(), new WatchCommand(), new ScheduleCommand(), new ListCommand(), new FindCommand(), new VersionsCommand(),
            new DiffCommand(), new RestoreCommand(), new CatCommand(), new WhereCommand(), new VerifyCommand(), new DrillCommand(), new RunsCommand(), new DeleteCommand(),
            new UndeleteCommand(), new SnapshotCommand(), new RetentionCommand(), new ClusterCommand(), new KeyCommand(), new DoctorCommand(), new SettingsCommand(), new CompletionCommand(),
        };
        foreach (var option in options.All)
            root.Add(option);
        root.Add(Version);
        // Without an action of its own the library would call a missing command a mistake, before the menu had a chance.
        root.SetAction(_ => (int)ExitCode.Usage);
        root.Add(new HelpOption { Action = new HelpWithExamples() });
        return root;
    }

    private static bool IsRoot(Command command) => !command.Parents.Any();

    private static string Path(Command command, string name) =>
        command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? $"{Path(parent, name)} {command.Name}" : name;

    private static Failure WithAdvice(this Failure failure, string advice) => failure with { Advice = advice };

    /// <param name="isTold">Whether a failure is to be told: one that ended the command has been.</param>
    private static bool CanFlush(Surroundings surroundings, Report report, bool isTold)
    {
        try
        {
            surroundings.Out.Flush();
            return true;
        }
        catch (FailureException e)
        {
            if (isTold)
                report.Error(e.Failure);
            return false;
        }
        catch (IOException)
        {
            // A terminal that went away: there is nobody left to tell.
            return true;
        }
    }
}
