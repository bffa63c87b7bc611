using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Backup.Client;

/// <summary>The library's help, with our examples and the exit codes below it.</summary>
internal sealed class HelpWithExamples : SynchronousCommandLineAction
{
    /// <summary>Fits a terminal of 80 columns, and does not change with the one it is printed on.</summary>
    private const int Columns = 80;

    private readonly HelpAction help = new() { MaxWidth = Columns };

    /// <summary>Help has no mistakes to complain about: `restore --help` lacks its --to on purpose.</summary>
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult) => Print(parseResult, parseResult.InvocationConfiguration.Output, Surroundings.Product);

    /// <param name="name">What the client is called here; texts are written with its own name.</param>
    public int Print(ParseResult parseResult, TextWriter output, string name)
    {
        using var text = new StringWriter();
        parseResult.InvocationConfiguration.Output = text;
        help.Invoke(parseResult);
        if (parseResult.CommandResult.Command is CommandLineCommand { Examples: var examples })
            text.WriteLine(examples);
        else
            text.WriteLine(ExitCodes.Help);
        text.WriteLine();
        output.Write(text.ToString().Replace(Surroundings.Product, name));
        return 0;
    }
}
