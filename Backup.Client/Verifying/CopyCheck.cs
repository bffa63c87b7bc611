using System.Text.Json.Serialization;
using Backup.Protocol;

namespace Backup.Client;

/// <summary>What was found of one copy.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<CopyFinding>))]
internal enum CopyFinding
{
    Good,

    /// <summary>The node does not have it, or not all of it.</summary>
    Missing,

    /// <summary>It is there and fails a check.</summary>
    Damaged,

    /// <summary>The node could not be asked.</summary>
    Unknown,
}

/// <summary>A copy that is not as it should be.</summary>
internal sealed record CopyProblem(RootedPath Path, long Version, NodeId Node, CopyFinding Finding, string Why);

/// <summary>What was found on one node.</summary>
internal sealed class NodeTally
{
    private readonly long[] found = new long[Enum.GetValues<CopyFinding>().Length];

    public long this[CopyFinding finding] => found[(int)finding];

    public long Copies => found.Sum();

    /// <summary>Read from it and found good.</summary>
    public long Bytes { get; private set; }

    /// <summary>When the copy that was verified longest ago was verified, Unix milliseconds; null when the node said nothing of it.</summary>
    public long? OldestVerifiedMs { get; private set; }

    public void Add(CopyFinding finding, long bytes = 0, long? verifiedMs = null)
    {
        found[(int)finding]++;
        Bytes += bytes;
        if (verifiedMs is { } at)
            OldestVerifiedMs = Math.Min(OldestVerifiedMs ?? long.MaxValue, at);
    }
}

/// <summary>What a verification came to.</summary>
/// <param name="Files">Versions looked at; folders have nothing to verify but themselves and are among them.</param>
/// <param name="Owed">Copies the cluster says it has not made yet.</param>
/// <param name="Problems">The first of them, up to <see cref="BackupSummary.ReceiptsKept"/>.</param>
/// <param name="Lost">Versions of which no copy was found good.</param>
internal sealed record VerifySummary(
    bool ReadData, long Files, long Owed, long Lost, long BytesRead, long ElapsedMs, IReadOnlyDictionary<string, NodeTally> Nodes, IReadOnlyList<CopyProblem> Problems, long Bad)
{
    public ExitCode ExitCode => Bad == 0 && Owed == 0 ? ExitCode.Done : ExitCode.Incomplete;
}
