using System.Globalization;
using Backup.Manager.Redis;
using Backup.Protocol;
using Microsoft.Extensions.Options;

namespace Backup.Manager.Access;

/// <summary>
/// <c>Backup.Manager invite</c>: makes an invitation straight in Redis. Whoever can reach that needs no token to do it, which
/// is how the first client of a cluster beyond loopback gets in, and one that lost its token.
/// </summary>
internal static class InviteCommand
{
    private const string Usage = "usage: Backup.Manager invite [--scopes append,read,list,delete,admin] [--client ID] [--minutes 60] [--days DAYS]";

    public static async Task<int> RunAsync(string[] args, string redis, TextWriter output, TextWriter error)
    {
        var options = new Dictionary<string, string>();
        foreach (var pair in args.Chunk(2))
        {
            if (pair.Length != 2 || pair[0] is not ("--scopes" or "--client" or "--minutes" or "--days") || !options.TryAdd(pair[0], pair[1]))
                return Refuse(error, Usage);
        }
        var client = ClientId.TryParse(options.GetValueOrDefault("--client"), null, out var id) ? id : (ClientId?)null;
        if (!Scopes.TryParse(options.GetValueOrDefault("--scopes", "append,read,list,delete"), out var scopes) || (client is null && options.ContainsKey("--client"))
            || Number(options, "--minutes", out var minutes) is false || Number(options, "--days", out var days) is false)
            return Refuse(error, Usage);
        await using var metadata = Metadata.Connect(redis);
        try
        {
            var made = await new Tokens(metadata, TimeProvider.System, Options.Create(new ServiceDefaults.SecurityOptions())).InviteAsync(new InviteRequest(scopes, client, minutes ?? 60, days), default);
            output.WriteLine(made.Invitation);
            error.WriteLine($"It lets one client enrol until {DateTimeOffset.FromUnixTimeMilliseconds(made.ExpiresMs):u}: BACKUP_INVITATION=… backup");
            return 0;
        }
        catch (FailureException e)
        {
            return Refuse(error, $"{e.Failure.Message} {e.Failure.Advice}");
        }
    }

    private static bool Number(Dictionary<string, string> options, string name, out int? number)
    {
        number = null;
        if (!options.TryGetValue(name, out var text))
            return true;
        var ok = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var parsed);
        number = parsed;
        return ok;
    }

    private static int Refuse(TextWriter error, string why)
    {
        error.WriteLine(why);
        return 2;
    }
}
