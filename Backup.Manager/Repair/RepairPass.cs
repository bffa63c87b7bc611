using System.Globalization;
using Backup.Protocol;

namespace Backup.Manager;

/// <summary>A pass of repair over all files, as Redis keeps it: the one that runs, or the last one, and what is asked of the next.</summary>
/// <param name="Reasons">Why, a sentence each.</param>
/// <param name="Client">The client it has come to; empty before the first.</param>
/// <param name="Path">The last file of that client that was looked at; empty before the first.</param>
/// <param name="Token">Of the duty under which it runs.</param>
/// <param name="Epoch">Its own: what it copies bears it.</param>
/// <param name="Conditions">Of the nodes at its start, see <see cref="NodeView.Condition"/>: what it will have seen to.</param>
/// <param name="Rebalances">Whether it also moves files to nodes with fewer.</param>
/// <param name="CopyMs">Time spent copying, which gives the pace.</param>
public sealed record RepairPass(
    bool Running, string[] Reasons, string Client, string Path, long Token, long Epoch, string Conditions, bool Rebalances,
    long Examined, long Copied, long Bytes, long Left, long VersionsLost, long Failures, long Moved, long CopyMs, long StartedMs, long EndedMs)
{
    /// <summary>Set from outside, and taken away when a pass begins.</summary>
    public const string AskedField = "asked", RebalanceField = "rebalance";

    public static readonly RepairPass None = new(false, [], "", "", 0, 0, "", false, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

    public bool IsAsked { get; private init; }

    public bool IsRebalanceAsked { get; private init; }

    public static RepairPass Of(IReadOnlyDictionary<string, string> fields)
    {
        string Text(string name) => fields.TryGetValue(name, out var text) ? text : "";
        long Number(string name) => fields.TryGetValue(name, out var text) ? long.Parse(text, CultureInfo.InvariantCulture) : 0;
        return new RepairPass(Text("running") == "1", Text("reasons").Split('\n', StringSplitOptions.RemoveEmptyEntries), Text("client"), Text("path"),
            Number("token"), Number("epoch"), Text("conditions"), Text("rebalances") == "1", Number("examined"), Number("copied"), Number("bytes"), Number("left"),
            Number("lost"), Number("failures"), Number("moved"), Number("copyMs"), Number("startedMs"), Number("endedMs"))
        {
            IsAsked = fields.ContainsKey(AskedField),
            IsRebalanceAsked = fields.ContainsKey(RebalanceField),
        };
    }

    /// <summary>Its fields as Redis gets them; an empty one is removed there.</summary>
    public IEnumerable<(string Field, string Value)> Fields()
    {
        static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
        return [("running", Running ? "1" : "0"), ("reasons", string.Join('\n', Reasons)), ("client", Client), ("path", Path), ("token", Text(Token)), ("epoch", Text(Epoch)),
            ("conditions", Conditions), ("rebalances", Rebalances ? "1" : "0"), ("examined", Text(Examined)), ("copied", Text(Copied)), ("bytes", Text(Bytes)), ("left", Text(Left)),
            ("lost", Text(VersionsLost)), ("failures", Text(Failures)), ("moved", Text(Moved)), ("copyMs", Text(CopyMs)), ("startedMs", Text(StartedMs)), ("endedMs", Text(EndedMs))];
    }

    public RepairStatus ToStatus() => new(Running, Reasons, Examined, Copied, Bytes, Left, VersionsLost, Failures, StartedMs, EndedMs);
}
