using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace Backup.AppHost;

/// <summary>Where the cluster's Redis comes from.</summary>
public enum RedisKind
{
    /// <summary>The one in this solution, which needs nothing installed.</summary>
    Embedded,

    /// <summary>A container; needs the Aspire packages and a container runtime.</summary>
    Container,

    /// <summary>One that runs already, named by <c>ConnectionStrings:redis</c>.</summary>
    External,
}

/// <summary>The settings under <c>Cluster</c>, checked: as arguments, from the environment or from appsettings.json.</summary>
public sealed record ClusterOptions
{
    /// <summary>Beyond that the ports after the base port run into those of other things; nothing else stands against more.</summary>
    private const int NodesMax = 64;

    /// <summary>One does the work; more are there for when it is away.</summary>
    private const int ManagersMax = 8;

    /// <summary>How many storage nodes run.</summary>
    public int Nodes { get; private init; }

    /// <summary>How many managers run.</summary>
    public int Managers { get; private init; }

    /// <summary>On how many nodes each file lies.</summary>
    public int Copies { get; private init; }

    /// <summary>The first manager's port; the nodes have the ports after it, further managers those after the nodes, the embedded Redis the one before it.</summary>
    public int BasePort { get; private init; }

    /// <summary>Absolute; each node and the embedded Redis have a directory of their own in it.</summary>
    public required string DataDirectory { get; init; }

    public RedisKind Redis { get; private init; }

    /// <summary>How long a node may be dead before its files get other copies; null leaves it to the manager.</summary>
    public TimeSpan? RepairGrace { get; private init; }

    /// <summary>What to do when fewer nodes take files than copies are asked for: refuse, or accept-debt; null leaves it to the manager.</summary>
    public string? OnMissingCopies { get; private init; }

    /// <summary>Whether managers and nodes speak TLS, with certificates of a private authority in the data directory.</summary>
    public bool Tls { get; private init; }

    public string Scheme => Tls ? "https" : "http";

    public int RedisPort => BasePort - 1;

    public string RedisDirectory => Path.Combine(DataDirectory, "redis");

    /// <summary>Nodes are counted from 1.</summary>
    public int NodePort(int number) => BasePort + number;

    /// <summary>Managers are counted from 1.</summary>
    public int ManagerPort(int number) => number == 1 ? BasePort : BasePort + Nodes + number - 1;

    /// <summary>The name of a manager's resource.</summary>
    public static string ManagerName(int number) => number == 1 ? "manager" : $"manager-{number}";

    public string NodeDirectory(int number) => Path.Combine(DataDirectory, $"node-{number}");

    /// <summary>Reads and checks the settings. The problem is one sentence that names the setting.</summary>
    /// <param name="repository">What a relative data directory is relative to.</param>
    public static bool TryRead(
        IConfiguration configuration, string repository, [NotNullWhen(true)] out ClusterOptions? options, [NotNullWhen(false)] out string? problem)
    {
        try
        {
            options = Read(configuration, repository);
            problem = null;
            return true;
        }
        catch (BadSettingException bad)
        {
            options = null;
            problem = bad.Message;
            return false;
        }
    }

    private static ClusterOptions Read(IConfiguration configuration, string repository)
    {
        var section = configuration.GetSection("Cluster");
        string[] known = [nameof(Nodes), nameof(Managers), nameof(Copies), nameof(BasePort), nameof(DataDirectory), nameof(Redis), nameof(RepairGrace), nameof(OnMissingCopies), nameof(Tls)];
        var unknown = section.GetChildren().FirstOrDefault(child => !known.Contains(child.Key, StringComparer.OrdinalIgnoreCase));
        if (unknown is not null)
            throw new BadSettingException($"Cluster:{unknown.Key} is not a setting. There are {string.Join(", ", known.Select(name => $"Cluster:{name}"))}.");

        var nodes = Number(section, nameof(Nodes), 1, NodesMax, 4);
        var copies = Number(section, nameof(Copies), 1, NodesMax, 2);
        if (copies > nodes)
            throw new BadSettingException($"Cluster:Copies={copies} needs as many nodes, and Cluster:Nodes={nodes}.");

        var managers = Number(section, nameof(Managers), 1, ManagersMax, 1);
        // 0 asks for any free ports; below 1024 only root may listen, and the last node's port is one too.
        var basePort = Number(section, nameof(BasePort), 0, 65535 - nodes - managers + 1, 7100);
        if (basePort is > 0 and < 1025)
            throw new BadSettingException($"Cluster:BasePort={basePort} is not a port from 1025 on (or 0 for any).");

        var redis = section[nameof(Redis)] ?? nameof(RedisKind.Embedded);
        if (!Enum.TryParse<RedisKind>(redis, ignoreCase: true, out var kind) || !Enum.IsDefined(kind) || int.TryParse(redis, out _))
            throw new BadSettingException($"Cluster:Redis={redis} is none of embedded, container, external.");
        if (kind == RedisKind.External && string.IsNullOrWhiteSpace(configuration.GetConnectionString("redis")))
            throw new BadSettingException("Cluster:Redis=external needs ConnectionStrings:redis, for example --ConnectionStrings:redis=localhost:6379.");
        // It becomes part of a connection string, in which a comma ends it.
        if (configuration["Parameters:redis-password"] is { } password && (password.Length == 0 || !password.All(c => c is > ' ' and < '\x7f' and not ',')))
            throw new BadSettingException("Parameters:redis-password takes printable ASCII characters, but no space and no comma.");

        return new ClusterOptions
        {
            Nodes = nodes,
            Managers = managers,
            Copies = copies,
            BasePort = Ports.Choose(basePort, nodes + managers - 1, withRedis: kind == RedisKind.Embedded),
            DataDirectory = Path.GetFullPath(section[nameof(DataDirectory)] is { Length: > 0 } directory ? directory : ".cluster", repository),
            Redis = kind,
            OnMissingCopies = section[nameof(OnMissingCopies)] is not { Length: > 0 } policy ? null : policy is "refuse" or "accept-debt" ? policy
                : throw new BadSettingException($"Cluster:OnMissingCopies={policy} is neither refuse nor accept-debt."),
            RepairGrace = Time(section, nameof(RepairGrace)),
            Tls = section[nameof(Tls)] is not { Length: > 0 } tls ? false : bool.TryParse(tls, out var isOn) ? isOn
                : throw new BadSettingException($"Cluster:Tls={tls} is neither true nor false."),
        };
    }

    private static TimeSpan? Time(IConfiguration section, string name) =>
        section[name] is not { Length: > 0 } text ? null
        : TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var time) && time >= TimeSpan.Zero ? time
        : throw new BadSettingException($"Cluster:{name}={text} is not a time such as 00:10:00.");

    private static int Number(IConfiguration section, string name, int min, int max, int otherwise)
    {
        if (section[name] is not { } text)
            return otherwise;

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max
            ? number
            : throw new BadSettingException($"Cluster:{name}={text} is not a whole number from {min} to {max}.");
    }
}

/// <summary>Something the person who started this can mend; the message is one sentence for them.</summary>
public sealed class BadSettingException(string message) : Exception(message);
