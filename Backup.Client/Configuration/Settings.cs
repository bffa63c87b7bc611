using Backup.Protocol;

namespace Backup.Client;

/// <summary>What the person said on the command line about where things are.</summary>
internal sealed record GlobalChoices(string? Root, IReadOnlyList<string> Servers, string? Client, bool Json, bool Quiet, bool Verbose, bool NoColor)
{
    public static readonly GlobalChoices None = new(null, [], null, false, false, false, false);
}

/// <summary>Where everything is, for one run: the command line goes before the environment, and both before the file.</summary>
/// <param name="File">The configuration file that was found; null when there is none.</param>
/// <param name="Root">The root's full path, links resolved; null when none was named.</param>
/// <param name="RootAsGiven">The same before links were resolved.</param>
/// <param name="Retention">What the file says of this root; null when it says nothing.</param>
/// <param name="BytesPerSecond">How fast content may be sent; null for as fast as it can.</param>
/// <param name="Authority">A PEM file with whose certificates are trusted; null for those the system trusts.</param>
internal sealed record Settings(
    string? File, IReadOnlyList<Uri> Servers, string? Root, string? RootAsGiven, ClientId? Client, IReadOnlyList<string> Exclude, IReadOnlyList<string> Include,
    RetentionPolicy? Retention = null, long? BytesPerSecond = null, string? Authority = null)
{
    /// <summary>Where a cluster on this machine is, when nothing else is said: the AppHost's first nodes.</summary>
    private static readonly Uri[] DefaultServers = [.. Enumerable.Range(7101, 4).Select(port => new Uri($"http://localhost:{port}"))];

    private static readonly char[] Separators = [',', ';', ' '];

    /// <exception cref="FailureException">Something named is unusable.</exception>
    public static Settings Load(Surroundings surroundings, GlobalChoices choices)
    {
        var path = ConfigurationFile.Find(surroundings);
        var file = path is null ? new ConfigurationFile() : ConfigurationFile.Read(path);
        var rootHere = choices.Root ?? surroundings.Variable("BACKUP_ROOT");
        var root = rootHere is not null ? Path.GetFullPath(rootHere, surroundings.CurrentFolder)
            : file.Root is not null ? Path.GetFullPath(file.Root, Path.GetDirectoryName(path)!) : null;
        // Patterns and retention belong to the root they were written for.
        var ownRoot = rootHere is null;
        return new Settings(path, FindServers(surroundings, choices, file), root is null ? null : RealPath(root), root is null ? null : Path.TrimEndingDirectorySeparator(root),
            choices.Client is null ? null : ParseClient(choices.Client), ownRoot ? file.Exclude ?? [] : [], ownRoot ? file.Include ?? [] : [], ownRoot ? file.Retention : null, file.Bandwidth is null ? null : Bandwidth.Parse(file.Bandwidth),
            surroundings.Variable("BACKUP_AUTHORITY") is { } authority ? Path.GetFullPath(authority, surroundings.CurrentFolder)
                : file.Authority is null ? null : Path.GetFullPath(file.Authority, Path.GetDirectoryName(path)!));
    }

    /// <summary>A root with its links resolved, so that one directory is one client by whatever name it is called.</summary>
    private static string RealPath(string path)
    {
        path = Path.TrimEndingDirectorySeparator(path);
        try
        {
            var parent = Path.GetDirectoryName(path);
            if (parent is null)
                return path;
            var full = Path.Join(RealPath(parent), Path.GetFileName(path));
            return Directory.ResolveLinkTarget(full, returnFinalTarget: true)?.FullName is { } target ? RealPath(target) : full;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Whoever opens it says what is wrong.
            return path;
        }
    }

    private static IReadOnlyList<Uri> FindServers(Surroundings surroundings, GlobalChoices choices, ConfigurationFile file)
    {
        if (choices.Servers.Count > 0)
            return [.. choices.Servers.Select(ParseServer)];
        if (surroundings.Variable("BACKUP_SERVERS") is { } variable)
            return [.. variable.Split(Separators, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(ParseServer)];
        return file.Servers is { Length: > 0 } servers ? [.. servers.Select(server => ParseServer(server.OriginalString))] : DefaultServers;
    }

    private static Uri ParseServer(string text)
    {
        var whole = text.Contains("://") ? text : "http://" + text;
        if (Uri.TryCreate(whole, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.UserInfo.Length == 0 && uri.Host.Length > 0)
            return uri;
        // The text is not repeated: it may hold a password.
        throw new Failure(FailureCode.InvalidRequest, "A server address is not an http or https address, or holds a password.", "client",
            "Write it as http://HOST:PORT, for instance --server http://localhost:7101.").Exception();
    }

    private static ClientId ParseClient(string text) => ClientId.TryParse(text, null, out var id) ? id
        : throw new Failure(FailureCode.InvalidRequest, "A client id has 32 hex digits.", "client", "`settings` shows it on the machine that made the backup.").Exception();
}
