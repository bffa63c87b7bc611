using System.CommandLine;

namespace Backup.Client;

/// <summary>The options that every command takes, before its name or after it.</summary>
internal sealed class GlobalOptions
{
    public readonly Option<string?> Root = new("--root") { Description = "The root directory: only files inside it can be sent", HelpName = "DIR", Recursive = true };

    public readonly Option<string[]> Server = new("--server")
    {
        Description = "A node's address; give it several times to name several, any will do",
        HelpName = "URL",
        Recursive = true,
        Arity = ArgumentArity.OneOrMore,
    };

    public readonly Option<string?> Client = new("--client") { Description = "The id of the client whose files these are, to restore on another machine", HelpName = "ID", Recursive = true };
    public readonly Option<bool> Json = new("--json") { Description = "Print JSON, as COMMANDS.md describes it", Recursive = true };
    public readonly Option<bool> Quiet = new("--quiet", "-q") { Description = "Print results and failures only", Recursive = true };
    public readonly Option<bool> Verbose = new("--verbose", "-v") { Description = "Name every file", Recursive = true };
    public readonly Option<bool> NoColor = new("--no-color") { Description = "No colours; NO_COLOR in the environment does the same", Recursive = true };

    public IEnumerable<Option> All => [Root, Server, Client, Json, Quiet, Verbose, NoColor];

    /// <summary>What was chosen. Of a command line with mistakes, only how the mistake is to be reported.</summary>
    public GlobalChoices Read(ParseResult parsed, Surroundings surroundings)
    {
        var noColor = surroundings.Variable("NO_COLOR") is not null;
        if (parsed.Errors.Count > 0)
            return GlobalChoices.None with { Json = parsed.GetResult(Json) is { Implicit: false }, NoColor = noColor };
        return new GlobalChoices(parsed.GetValue(Root), parsed.GetValue(Server) ?? [], parsed.GetValue(Client),
            parsed.GetValue(Json), parsed.GetValue(Quiet), parsed.GetValue(Verbose), noColor || parsed.GetValue(NoColor));
    }
}
