using Backup.Manager;
using Backup.Protocol;
using CsCheck;
using static Backup.Tests.Manager.ManagersOnRedis;

namespace Backup.Tests.Manager;

/// <summary>The planner of repair, over chosen and over random clusters.</summary>
public class RepairPlanTests
{
    private static readonly long Free = 100 * Gigabyte;

    private static RepairNode On(string id, RepairHealth health = RepairHealth.Takes, long files = 0, string? zone = null, long incarnationEpoch = 0, long[]? lacking = null) =>
        new(Node(id), health, files, Free, zone, incarnationEpoch, lacking?.ToHashSet());

    private static FileVersion Version(long number, params string[] nodes) => new(
        Path("x"), number, VersionKind.File, 1000 + number, 10, ChunkId.Of([]), 0, 0, Epoch: 5, [.. nodes.Select(Node)], 0);

    private static VersionPlan Single(IEnumerable<RepairNode> nodes, FileVersion version, int copies = 2) => Assert.Single(new RepairPlan(nodes, copies).Of([version]));

    private static string Names(IEnumerable<NodeId> nodes) => string.Join(',', nodes);

    [Fact]
    public void What_has_its_copies_needs_nothing()
    {
        RepairNode[] nodes = [On("a", RepairHealth.Away), On("b", RepairHealth.Full), On("c")];
        Assert.Empty(new RepairPlan(nodes, 2).Of([Version(1, "a", "b"), Version(2, "b", "c")]));
    }

    [Fact]
    public void A_gone_nodes_copy_goes_to_the_node_with_fewest_files()
    {
        var plan = Single([On("a", RepairHealth.Gone), On("b", files: 9), On("c", files: 3), On("d", files: 2)], Version(1, "a", "b"));
        Assert.Equal(("b", "d", "b,d"), (Names(plan.Sources), Names(plan.Targets), Names(plan.After(plan.Targets, 2))));
        // As long as the copy is not made the line stays as it is: the node may come back.
        Assert.Equal("b,a", Names(plan.After([], 2)));
    }

    [Fact]
    public void A_leaving_node_is_read_and_given_up_only_when_others_have_it()
    {
        var plan = Single([On("a", RepairHealth.Leaving), On("b", RepairHealth.Leaving), On("c"), On("d")], Version(1, "a", "b"));
        Assert.Equal(("a,b", "c,d"), (Names(plan.Sources), Names(plan.Targets)));
        Assert.Equal("c,a", Names(plan.After([Node("c")], 2)));
        Assert.Equal("c,d", Names(plan.After(plan.Targets, 2)));
    }

    [Fact]
    public void Versions_of_one_file_follow_the_newest()
    {
        RepairNode[] nodes = [On("a", RepairHealth.Gone), On("b"), On("c", files: 50), On("d"), On("e")];
        var plans = new RepairPlan(nodes, 2).Of([Version(1, "a", "b"), Version(2, "b", "c")]);
        Assert.Equal("c", Names(Assert.Single(plans).Targets));
    }

    [Fact]
    public void A_copy_of_another_incarnation_or_one_that_is_lacking_is_none()
    {
        var lost = Single([On("a", incarnationEpoch: 6), On("b", files: 4), On("c")], Version(1, "a", "b"));
        Assert.Equal(("b", "a"), (Names(lost.Sources), Names(lost.Targets)));
        Assert.Equal("b", Names(lost.After([], 2)));
        var stale = Single([On("a", lacking: [1]), On("b")], Version(1, "a", "b"));
        Assert.Equal(("b", "a"), (Names(stale.Sources), Names(stale.Targets)));
    }

    [Fact]
    public void What_only_a_node_that_is_away_holds_waits_and_what_nobody_holds_is_lost()
    {
        var waits = Single([On("a", RepairHealth.Gone), On("b", RepairHealth.Away), On("c"), On("d")], Version(1, "a", "b"));
        Assert.Equal((false, true), (waits.IsLost, waits.IsStuck(2)));
        var lost = Single([On("a", RepairHealth.Gone), On("b", incarnationEpoch: 7), On("c")], Version(1, "a", "b"));
        Assert.True(lost.IsLost);
        Assert.Equal("a", Names(lost.After([], 2)));
    }

    [Fact]
    public void Copies_go_to_other_zones()
    {
        var plan = Single([On("a", RepairHealth.Gone, zone: "z1"), On("b", zone: "z2"), On("c", zone: "z2"), On("d", files: 7, zone: "z3")], Version(1, "a", "b"));
        Assert.Equal("d", Names(plan.Targets));
    }

    [Fact]
    public void Surplus_copies_are_given_up()
    {
        var plan = Single([On("a", RepairHealth.Away), On("b"), On("c")], Version(1, "a", "b", "c"));
        Assert.Equal("b,c", Names(plan.After([], 2)));
    }

    /// <summary>Whatever happens while copies are made: never fewer good copies, never two on one node, nothing twice; and everything that can be copied is.</summary>
    [Fact]
    public void Of_any_cluster_no_good_copy_is_given_up_before_another_is_there() =>
        Gen.Select(Gen.Int[1, 8], Gen.Int[1, 3], Gen.Int[0, int.MaxValue]).Sample((count, copies, seed) =>
        {
            var random = new Random(seed);
            RepairNode[] nodes = [.. Enumerable.Range(0, count).Select(i => On($"n{i}", (RepairHealth)random.Next(5), random.Next(20),
                random.Next(2) == 0 ? null : $"z{random.Next(3)}", random.Next(4) == 0 ? 6 : 0, random.Next(4) == 0 ? [1, 3] : null))];
            var byId = nodes.ToDictionary(node => node.Id);
            FileVersion[] versions = [.. Enumerable.Range(1, 4).Select(i => Version(i, [.. nodes.OrderBy(_ => random.Next()).Take(1 + random.Next(copies + 1)).Select(node => node.Id.Value)]))];
            bool IsGood(NodeId id, FileVersion version) => byId[id].Health != RepairHealth.Gone && byId[id].IncarnationEpoch <= version.Epoch && byId[id].Lacking?.Contains(version.Version) != true;
            foreach (var plan in new RepairPlan(nodes, copies).Of(versions))
            {
                var version = plan.Version;
                var good = version.Nodes.Where(id => IsGood(id, version)).ToList();
                Assert.All(plan.Sources, id => Assert.Contains(id, good));
                Assert.All(plan.Targets, id => Assert.Equal(RepairHealth.Takes, byId[id].Health));
                Assert.Empty(plan.Targets.Intersect(plan.Kept));
                NodeId[] reached = plan.Sources.Length == 0 ? [] : [.. plan.Targets.Where(_ => random.Next(2) == 0)];
                var after = plan.After(reached, copies);
                Assert.Equal(after.Distinct(), after);
                Assert.True(after.Count(id => reached.Contains(id) || IsGood(id, version)) >= Math.Min(copies, good.Count), $"{Names(version.Nodes)} became {Names(after)}");
                var takers = nodes.Count(node => node.Health == RepairHealth.Takes && !plan.Kept.Contains(node.Id));
                Assert.Equal(Math.Min(copies, plan.Kept.Length + takers), plan.Kept.Length + plan.Targets.Length);
            }
        });

    /// <summary>Files that lie anywhere on some nodes are spread over all, and nothing is moved twice.</summary>
    [Fact]
    public void Rebalancing_evens_the_counts_and_moves_as_little_as_possible() =>
        Gen.Select(Gen.Int[2, 6], Gen.Int[0, 3], Gen.Int[1, 60], Gen.Int[0, int.MaxValue]).Sample((old, added, files, seed) =>
        {
            var random = new Random(seed);
            var ids = Enumerable.Range(0, old + added).Select(i => $"n{i}").ToArray();
            FileVersion[] versions = [.. Enumerable.Range(1, files).Select(i => Version(i, [.. ids[..old].OrderBy(_ => random.Next()).Take(2)]))];
            var loads = ids.ToDictionary(id => id, id => (long)versions.Count(version => version.Nodes.Contains(Node(id))));
            var plan = new RepairPlan(ids.Select(id => On(id, files: loads[id])), 2);
            var average = loads.Values.Sum() / (double)ids.Length;
            var tooMany = loads.Values.Sum(load => Math.Max(0, load - (long)Math.Ceiling(average)));
            var tooFew = loads.Values.Sum(load => Math.Max(0, (long)Math.Floor(average) - load));
            var moves = 0;
            foreach (var version in versions)
            {
                foreach (var one in plan.Of([version], rebalance: true))
                {
                    moves++;
                    foreach (var id in one.Version.Nodes)
                        loads[id.Value]--;
                    foreach (var id in one.After(one.Targets, 2))
                        loads[id.Value]++;
                }
            }
            Assert.True(moves <= tooMany + tooFew, $"{moves} moves for {tooMany} too many and {tooFew} too few");
            if (added > 0 && files >= 20)
                Assert.InRange(loads.Values.Max() - loads.Values.Min(), 0, 1);
        });
}
