using Backup.Fuzz;

namespace Backup.Tests.Protocol;

/// <summary>
/// A little of what `tests/Backup.Fuzz` does for an hour under AFL++ (CONTRIBUTING.md): mutations from fixed seeds of everything that takes
/// bytes from somebody else. <c>BACKUP_FUZZ_SEEDS</c> asks for more.
/// </summary>
public sealed class FuzzTests
{
    private static readonly int Seeds = int.TryParse(Environment.GetEnvironmentVariable("BACKUP_FUZZ_SEEDS"), out var asked) ? asked : 40;

    public static TheoryData<string> Names() => [.. Targets.All.Keys];

    [Theory, MemberData(nameof(Names))]
    public void Bad_bytes_are_refused_in_the_one_way_refusals_have(string target)
    {
        var good = Targets.Seeds(target).ToArray();
        Assert.NotEmpty(good);
        for (var seed = 1; seed <= Seeds; seed++)
        {
            var mutator = new Mutator(seed);
            for (var i = 0; i < 50; i++)
            {
                var bytes = mutator.Next(good[(seed + i) % good.Length]);
                var thrown = Xunit.Record.Exception(() => Targets.All[target](bytes));
                Assert.True(thrown is null, $"seed {seed}, mutation {i}: {Convert.ToHexString(bytes.AsSpan(0, Math.Min(bytes.Length, 2000)))}\n{thrown}");
            }
        }
    }

    /// <summary>A target that never gets to the end of anything would find nothing.</summary>
    [Theory, MemberData(nameof(Names))]
    public void What_it_begins_with_is_taken(string target) => Assert.All(Targets.Seeds(target), bytes => Targets.All[target](bytes));
}
