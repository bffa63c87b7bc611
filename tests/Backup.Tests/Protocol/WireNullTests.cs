using System.Text.Json;
using Backup.Protocol;

namespace Backup.Tests.Protocol;

/// <summary>
/// Nulls are not written and constructor parameters are required: a parameter that may be null and has no default must be
/// written all the same, or the other side refuses what this side sends.
/// </summary>
public class WireNullTests
{
    private static readonly NodeId Node = NodeId.Parse("node-1");
    private static readonly Uri Address = new("http://h:1");

    [Fact]
    public void A_first_page_is_asked_for_and_a_last_one_given()
    {
        Assert.Null(RoundTrip(new ListRequest("", null, 1), WireJson.Default.ListRequest).After);
        Assert.Null(RoundTrip(new ListReply([], null, 1), WireJson.Default.ListReply).Next);
    }

    [Fact]
    public void A_node_without_a_zone_registers_and_is_shown()
    {
        Assert.Null(RoundTrip(new RegisterRequest(Node, Address, Guid.Empty, null, new NodeSpace(1, 2, 3)), WireJson.Default.RegisterRequest).Zone);
        var status = new NodeStatus(Node, Address, NodeState.Alive, 0, 1, Guid.Empty, null, new NodeSpace(1, 2, 3), 0);
        Assert.Null(Assert.Single(RoundTrip(new ClusterStatus(true, [], [status], 2, 0, 0, 0), WireJson.Default.ClusterStatus).Nodes).Zone);
    }

    private static T RoundTrip<T>(T value, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type) =>
        JsonSerializer.Deserialize(JsonSerializer.Serialize(value, type), type)!;
}
