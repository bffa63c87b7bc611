using System.Diagnostics;
using System.Text.Json;
using Backup.Client;

namespace Backup.ClusterTests.Client;

/// <summary>A machine with a home and a root of its own, on which the real client runs: in process, or as a program in a terminal.</summary>
public sealed class ClientMachine : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("backup-machine-").FullName;
    private readonly IReadOnlyList<Uri> servers;
    private readonly Dictionary<string, string> variables = [];

    public ClientMachine(RunningCluster cluster)
    {
        servers = cluster.Addresses();
        Root = Directory.CreateDirectory(Path.Join(folder, "root")).FullName;
        Directory.CreateDirectory(Home);
    }

    public string Root { get; }

    public string Home => Path.Join(folder, "home");

    public string Servers => string.Join(' ', servers.Select(server => server.GetLeftPart(UriPartial.Authority)));

    public string this[string variable] { set => variables[variable] = value; }

    /// <summary>The token the client has got by itself.</summary>
    public string Token() => JsonDocument.Parse(File.ReadAllText(Path.Join(Home, ".config/backup/clients.json")))
        .RootElement.GetProperty("tokens")[0].GetProperty("token").GetString()!;

    public string At(string relative) => Path.Join(folder, relative);

    /// <summary>What the program is: the assembly beside the tests.</summary>
    public static string Program => Path.Join(AppContext.BaseDirectory, "Backup.Client");

    public string Write(string relative, byte[] content)
    {
        var path = Path.Join(Root, relative);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, content);
        return path;
    }

    public string Write(string relative, string content) => Write(relative, System.Text.Encoding.UTF8.GetBytes(content));

    /// <summary>Runs a command in process; what it printed comes back with its exit code.</summary>
    internal async Task<Ran> RunAsync(string[] args, CancellationToken ct = default)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var surroundings = new Surroundings(TextWriter.Synchronized(output), TextWriter.Synchronized(error), IsTerminal: false, Variable, Root, TimeProvider.System)
        {
            Name = Surroundings.Product,
        };
        var code = (ExitCode)await Cli.RunAsync(["--root", Root, .. args], surroundings, ct);
        return new Ran(code, output.ToString(), error.ToString());
    }

    internal Task<Ran> RunAsync(params string[] args) => RunAsync(args, CancellationToken.None);

    /// <summary>By rm, which manages what a restore may have made.</summary>
    public void Dispose()
    {
        using var process = Process.Start("/bin/sh", ["-c", $"chmod -R u+rwx '{folder}'; rm -rf '{folder}'"]);
        process.WaitForExit();
    }

    private string? Variable(string name) => name switch
    {
        "HOME" => Home,
        "BACKUP_SERVERS" => Servers,
        _ => variables.GetValueOrDefault(name),
    };

    internal sealed record Ran(ExitCode Code, string Out, string Error)
    {
        public JsonElement Json => JsonDocument.Parse(Out).RootElement;

        public JsonElement[] JsonLines => [.. Out.Trim().Split('\n').Select(line => JsonDocument.Parse(line).RootElement)];

        public Ran Expect(ExitCode code)
        {
            Assert.True(Code == code, $"{Code} instead of {code}:\n{Out}\n{Error}");
            return this;
        }
    }
}
