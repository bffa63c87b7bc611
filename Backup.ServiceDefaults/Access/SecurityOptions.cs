using System.ComponentModel.DataAnnotations;
using Backup.Protocol;

namespace Backup.ServiceDefaults;

/// <summary>Section `Security` of the configuration; the same for every process of a cluster.</summary>
public sealed class SecurityOptions
{
    public const string Section = "Security";

    /// <summary>Whoever connects over loopback may enrol without a question, and plain HTTP belongs to the guest. For development.</summary>
    public const string Loopback = "loopback";

    /// <summary>A client enrols with a one-time invitation, and without a token there is nothing.</summary>
    public const string Invitation = "invitation";

    /// <summary>The secret the processes share, see <see cref="Protocol.ClusterKey"/>. No process starts without it.</summary>
    [Required]
    public string ClusterKey { get; set; } = "";

    /// <summary><see cref="Loopback"/> or <see cref="Invitation"/>. The safe one unless the other is asked for.</summary>
    [RegularExpression($"^({Loopback}|{Invitation})$", ErrorMessage = $"Security:Enrolment is '{Loopback}' or '{Invitation}'.")]
    public string Enrolment { get; set; } = Invitation;

    /// <summary>What one client may ask of one server. A client with all its connections busy makes a few hundred.</summary>
    [Range(1, 1_000_000, ErrorMessage = "Security:RequestsPerSecond is a number from 1 to 1,000,000.")]
    public int RequestsPerSecond { get; set; } = 2_000;

    public bool IsLoopbackOpen => Enrolment == Loopback;
}
