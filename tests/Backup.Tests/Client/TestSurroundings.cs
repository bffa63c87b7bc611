using Backup.Client;

namespace Backup.Tests.Client;

/// <summary>Runs the client in process: its own home, its own output, no terminal.</summary>
internal sealed class TestSurroundings : IDisposable
{
    private readonly TempFolder folder = new();
    private readonly StringWriter output = new();
    private readonly StringWriter error = new();
    private readonly Dictionary<string, string> variables = [];

    public TestSurroundings()
    {
        variables["HOME"] = folder.Folder("home");
        Root = folder.Folder("root");
        CurrentFolder = Root;
    }

    public string Root { get; }

    public string CurrentFolder { get; set; }

    public TempFolder Folder => folder;

    public string Out => output.ToString();

    public string Error => error.ToString();

    public string this[string variable] { set => variables[variable] = value; }

    public Surroundings ToSurroundings() => new(output, error, IsTerminal: false, variables.GetValueOrDefault, CurrentFolder, TimeProvider.System);

    public async Task<ExitCode> RunAsync(params string[] args) => (ExitCode)await Cli.RunAsync(args, ToSurroundings(), CancellationToken.None);

    public void Dispose() => folder.Dispose();
}
