using Backup.Manager;
using Backup.Protocol;

namespace Backup.Tests.Manager;

/// <summary>What the copies of one version say together.</summary>
public class FoundVersionTests
{
    private static readonly ClientId Client = ClientId.New();

    [Theory]
    [InlineData("a:a,b:1 b:a,b:1", "a,b")]
    [InlineData("b:a,b:1 a:a,b:1", "a,b")] // in the order of the manifest, not of the reading
    [InlineData("a:a,b:1", "a")] // the other copy is away or was never made: it is owed
    [InlineData("a:a,b:1 b:a,b:1 c:a,c:5", "a,c")] // repaired or placed anew: b holds a leftover
    [InlineData("b:a,b:1 c:a,c:5", "c,b")] // a is gone: the leftover counts
    [InlineData("a:a,b:1 d:a,b:1", "a,d")] // a copy of the manifest as it was
    [InlineData("d:a,b:1 c:a,b:1", "c,d")]
    [InlineData("a:a,b:1 b:a,b:1! c:a,c:1", "a,c")] // b has the manifest of an attempt, and not its chunks
    [InlineData("a:a,b:1! b:a,b:1!", "a,b")] // together they may have all of it
    [InlineData("a:a,b,c:1 b:a,b,c:1 c:a,b,c:1", "a,b,c")] // more copies than are wanted now
    public void The_nodes_that_count(string copies, string nodes) =>
        Assert.Equal(nodes, string.Join(',', FoundVersion.Of([.. copies.Split(' ').Select(Copy)], 2)!.Holders));

    [Fact]
    public void A_copy_with_other_content_does_not_count()
    {
        var other = Copy("b:a,b:1");
        other = other with { Manifest = other.Manifest with { Head = other.Manifest.Head with { SizeBytes = 2 } } };
        Assert.Equal("a", string.Join(',', FoundVersion.Of([Copy("a:a,b:2"), other], 2)!.Holders));
    }

    [Fact]
    public void What_no_commit_can_have_said_is_left_out()
    {
        var good = Copy("a:a,b:1");
        foreach (var head in new[] { good.Manifest.Head with { Version = 0 }, good.Manifest.Head with { Mode = -1 }, good.Manifest.Head with { TimeMs = -1 } })
            Assert.Null(FoundVersion.Of([good with { Manifest = good.Manifest with { Head = head } }], 2));
    }

    private static FoundCopy Copy(string text)
    {
        var parts = text.TrimEnd('!').Split(':');
        return new FoundCopy(NodeId.Parse(parts[0]), new HeldManifest(Client, new ManifestHead
        {
            Path = RootedPath.Parse("file"),
            Version = 3,
            Kind = VersionKind.File,
            TimeMs = 5,
            SizeBytes = 1,
            Digest = ChunkId.Of([1]),
            Nodes = [.. parts[1].Split(',').Select(name => NodeId.Parse(name))],
            Epoch = long.Parse(parts[2], System.Globalization.CultureInfo.InvariantCulture),
        }, IsPartial: text.EndsWith('!')));
    }
}
