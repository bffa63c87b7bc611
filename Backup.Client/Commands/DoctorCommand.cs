using Backup.Protocol;

namespace Backup.Client;

/// <summary><c>doctor</c></summary>
internal sealed class DoctorCommand() : CommandLineCommand("doctor", "Say what is wrong with this machine, this root or the cluster, and what to do", """
    Examples:
      Backup.Client doctor
      Backup.Client doctor --quiet      only what is not as it should be

    ok      all is well
    notice  it works, and something should be seen to
    wrong   backups or restores do not work like this; the exit code is then 1
    """)
{
    public override async Task<ExitCode> RunAsync(Invocation run, CancellationToken ct)
    {
        var findings = new List<Finding>();
        foreach (var finding in MachineCheck.Find(run.Session.Surroundings).Concat(RootCheck.Find(run.Session)))
            Tell(run, findings, finding);
        foreach (var finding in await ClusterCheck.FindAsync(run.Session, ct))
            Tell(run, findings, finding);
        var (wrong, notices) = (findings.Count(f => f.State == FindingState.Wrong), findings.Count(f => f.State == FindingState.Notice));
        run.Report.Summary(wrong + notices == 0 ? "all is well" : $"{wrong} wrong, {Sizes.Count(notices, "notice")}");
        return wrong == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    private static void Tell(Invocation run, List<Finding> findings, Finding finding)
    {
        findings.Add(finding);
        run.Report.Json(FindingShape.Of(finding), OutputJson.Default.FindingShape);
        if (run.Session.Choices.Quiet && finding.State == FindingState.Fine)
            return;
        run.Report.Line(FindingText.Line(finding));
        if (finding.Advice.Length > 0)
            run.Report.Line(FindingText.Advice(finding));
    }
}

/// <summary>Findings in lines.</summary>
internal static class FindingText
{
    public static string Line(Finding finding) => $"{Word(finding.State),-6}  {finding.Area,-7}  {finding.What}: {finding.Message}";

    public static string Advice(Finding finding) => $"{"",15}  do: {RootedPath.Escape(finding.Advice)}";

    private static string Word(FindingState state) => state == FindingState.Fine ? "ok" : state.ToString().ToLowerInvariant();
}
