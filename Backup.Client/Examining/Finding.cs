namespace Backup.Client;

internal enum FindingState
{
    Fine,

    /// <summary>It works, and could be better.</summary>
    Notice,

    /// <summary>Backups, or restores, do not work like this.</summary>
    Wrong,
}

/// <summary>What was found when something was looked at.</summary>
/// <param name="Area">"machine", "root" or "cluster".</param>
/// <param name="Advice">What to do; empty when all is well.</param>
internal sealed record Finding(string Area, string What, FindingState State, string Message, string Advice = "")
{
    public static Finding Fine(string area, string what, string message) => new(area, what, FindingState.Fine, message);
}

internal sealed record FindingShape(string Area, string Check, string State, string Message, string? Advice)
{
    public static FindingShape Of(Finding finding) => new(finding.Area, finding.What, finding.State.ToString().ToLowerInvariant(), finding.Message, finding.Advice.Length == 0 ? null : finding.Advice);
}
