namespace Backup.ClusterTests;

/// <summary>
/// Takes so long that it runs on demand, so that <c>dotnet test</c> of everything takes less than ten minutes on two cores. Those with the
/// trait <c>Runs=long</c> are run by <c>.ci/run</c>; those without print figures, or need a quiet machine.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class LongFactAttribute : SkippableFactAttribute
{
    public LongFactAttribute() => Skip = OnDemand.Skip!;
}

/// <inheritdoc cref="LongFactAttribute"/>
[AttributeUsage(AttributeTargets.Method)]
public sealed class LongTheoryAttribute : SkippableTheoryAttribute
{
    public LongTheoryAttribute() => Skip = OnDemand.Skip!;
}

internal static class OnDemand
{
    public static string? Skip => Environment.GetEnvironmentVariable("BACKUP_LONG_TESTS") is null ? "Runs on demand: set BACKUP_LONG_TESTS=1." : null;
}
