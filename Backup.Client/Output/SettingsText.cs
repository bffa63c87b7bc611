namespace Backup.Client;

/// <summary>The settings in force, in lines.</summary>
internal static class SettingsText
{
    public static IEnumerable<string> Lines(Session session)
    {
        var settings = session.Settings;
        yield return $"file       {settings.File ?? "none"}";
        yield return $"servers    {string.Join(", ", settings.Servers.Select(server => server.GetLeftPart(UriPartial.Authority)))}";
        yield return $"root       {settings.Root ?? "none: name one with --root DIR"}";
        yield return $"client     {Client(session)?.ToString() ?? "none yet: the first backup of the root makes one"}";
        if (settings.Exclude.Count > 0)
            yield return $"exclude    {string.Join(", ", settings.Exclude)}";
        if (settings.Include.Count > 0)
            yield return $"include    {string.Join(", ", settings.Include)}";
        if (settings.BytesPerSecond is { } bytes)
            yield return $"bandwidth  {Sizes.Bytes(bytes)}/s";
        yield return $"catalogue  {Catalogue(session)}";
    }

    public static SettingsShape Shape(Session session) => new(session.Settings.File, [.. session.Settings.Servers.Select(server => server.ToString())],
        session.Settings.Root, Client(session)?.ToString(), [.. session.Settings.Exclude], [.. session.Settings.Include], Catalogue(session), session.Settings.BytesPerSecond);

    private static Protocol.ClientId? Client(Session session) => session.Settings.Root is null ? session.Settings.Client : session.KnownClient;

    private static string Catalogue(Session session) => Client(session) is { } client
        ? new CatalogueFolder(session.Surroundings, client).FilePath : UserFolders.Cache(session.Surroundings);
}
