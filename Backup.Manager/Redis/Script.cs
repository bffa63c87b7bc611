using System.Reflection;

namespace Backup.Manager.Redis;

/// <summary>
/// One Lua script, kept as a file of its own under Scripts and embedded. Its first line may say "uses: a b": the texts of
/// library-a.lua and library-b.lua are put in front of it, since Redis has no modules.
/// </summary>
public sealed class Script
{
    private const string Uses = "-- uses: ";

    public static readonly Script PlaceFiles = new("place-files");
    public static readonly Script CommitFiles = new("commit-files");
    public static readonly Script ExpireReservation = new("expire-reservation");
    public static readonly Script LeaseDuty = new("lease-duty");
    public static readonly Script RegisterNode = new("register-node");
    public static readonly Script HeartbeatNode = new("heartbeat-node");
    public static readonly Script DrainNode = new("drain-node");
    public static readonly Script StatusCluster = new("status-cluster");
    public static readonly Script PageNames = new("page-names");
    public static readonly Script SplitNames = new("split-names");

    private Script(string name)
    {
        Name = name;
        var text = Load(name);
        var first = text[..text.IndexOf('\n')];
        Libraries = first.StartsWith(Uses, StringComparison.Ordinal) ? first[Uses.Length..].Split(' ') : [];
        Text = string.Concat(Libraries.Select(library => Load("library-" + library)).Append(text));
    }

    /// <summary>The file's name without its extension.</summary>
    public string Name { get; }

    public string[] Libraries { get; }

    /// <summary>The text as Redis gets it.</summary>
    public string Text { get; }

    /// <summary>The verb, as spans name the call: "redis place".</summary>
    public string Verb => Name[..Name.IndexOf('-')];

    public override string ToString() => Name;

    private static string Load(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name + ".lua")
            ?? throw new InvalidOperationException($"The script {name}.lua is not embedded.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
