namespace Backup.Client;

/// <summary>Where the client keeps its own files, as the XDG base directory specification has it.</summary>
internal static class UserFolders
{
    private const string Name = "backup";

    /// <summary>Settings and identities: worth keeping.</summary>
    public static string Configuration(Surroundings surroundings) => Of(surroundings, "XDG_CONFIG_HOME", ".config", Environment.SpecialFolder.ApplicationData);

    /// <summary>What can be found out again.</summary>
    public static string Cache(Surroundings surroundings) => Of(surroundings, "XDG_CACHE_HOME", ".cache", Environment.SpecialFolder.LocalApplicationData);

    /// <summary>Logs of what went wrong.</summary>
    public static string State(Surroundings surroundings) => Of(surroundings, "XDG_STATE_HOME", ".local/state", Environment.SpecialFolder.LocalApplicationData);

    private static string Of(Surroundings surroundings, string variable, string beneathHome, Environment.SpecialFolder elsewhere)
    {
        // The specification: a relative value is invalid and must be ignored.
        if (surroundings.Variable(variable) is { } set && Path.IsPathFullyQualified(set))
            return Path.Join(set, Name);
        return surroundings.Variable("HOME") is { } home && !OperatingSystem.IsWindows() ? Path.Join(home, beneathHome, Name)
            : Path.Join(Environment.GetFolderPath(elsewhere, Environment.SpecialFolderOption.DoNotVerify), Name);
    }
}
