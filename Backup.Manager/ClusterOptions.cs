using System.ComponentModel.DataAnnotations;
using Backup.Protocol;

namespace Backup.Manager;

/// <summary>The manager's settings, under "Cluster". All managers of a cluster must have the same.</summary>
public sealed class ClusterOptions
{
    public const string Section = "Cluster";

    /// <summary>Nothing is acknowledged that has not all its copies.</summary>
    public const string Refuse = "refuse";

    /// <summary>Fewer copies are accepted, shown as owed everywhere, and made up for by repair.</summary>
    public const string AcceptDebt = "accept-debt";

    /// <summary>Copies of each file, primary included.</summary>
    [Range(1, Limits.CopiesMax)]
    public int Copies { get; set; } = 2;

    /// <summary>What to do when fewer nodes take files than <see cref="Copies"/>: <see cref="Refuse"/> or <see cref="AcceptDebt"/>, as the scripts take it.</summary>
    [RegularExpression($"^({Refuse}|{AcceptDebt})$", ErrorMessage = $"Cluster:OnMissingCopies is '{Refuse}' or '{AcceptDebt}'.")]
    public string OnMissingCopies { get; set; } = Refuse;

    /// <summary>How long what retention dropped can be brought back: a week is how long a mistake may stay unnoticed over a holiday.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "3650.00:00:00")]
    public TimeSpan UndoTime { get; set; } = TimeSpan.FromDays(7);

    /// <summary>Whole backups of a client within this time count as one: a client that watches its root backs up whenever something changes.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan RunsTogether { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Where alarms are posted: http or https addresses, with commas or spaces between.</summary>
    public string Webhooks { get; set; } = "";

    /// <summary>Signs what is posted, so that who gets it knows that it is from here; empty for no signature.</summary>
    public string WebhookSecret { get; set; } = "";

    /// <summary>The addresses of <see cref="Webhooks"/>; null when one of them is none.</summary>
    public Uri[]? WebhookAddresses()
    {
        var addresses = new List<Uri>();
        foreach (var text in Webhooks.Split([',', ' '], StringSplitOptions.RemoveEmptyEntries))
        {
            if (!Uri.TryCreate(text, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
                return null;
            addresses.Add(address);
        }
        return [.. addresses];
    }

    /// <summary>How long a node may be dead before its files get other copies: longer than a restart or an update takes.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "30.00:00:00")]
    public TimeSpan RepairGrace { get; set; } = TimeSpan.FromMinutes(10);
}
