using Backup.ServiceDefaults;

namespace Backup.Tests.ServiceDefaults;

public sealed class PinnedBlockPoolTests
{
    private readonly PinnedBlockPool pool = new();

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    [InlineData(PinnedBlockPool.BlockBytes)]
    public void Every_rent_gives_a_whole_block(int minBytes)
    {
        using var block = pool.Rent(minBytes);
        Assert.Equal(PinnedBlockPool.BlockBytes, block.Memory.Length);
    }

    [Fact]
    public void More_than_a_block_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.Rent(PinnedBlockPool.BlockBytes + 1));

    [Fact]
    public void A_block_that_came_back_is_given_out_again()
    {
        var first = pool.Rent();
        first.Dispose();
        Assert.Equal(1, pool.KeptBlocks);
        Assert.Same(first, pool.Rent());
        Assert.Equal(0, pool.KeptBlocks);
    }

    [Fact]
    public void A_block_disposed_twice_is_not_given_to_two()
    {
        var block = pool.Rent();
        block.Dispose();
        block.Dispose();
        Assert.NotSame(pool.Rent(), pool.Rent());
    }

    [Fact]
    public void What_a_burst_leaves_is_bounded()
    {
        var burst = Enumerable.Range(0, PinnedBlockPool.KeptBlocksMax + 10).Select(_ => pool.Rent()).ToList();
        burst.ForEach(block => block.Dispose());
        Assert.Equal(PinnedBlockPool.KeptBlocksMax, pool.KeptBlocks);
    }

    [Fact]
    public void Many_threads_never_share_a_block()
    {
        Parallel.For(0, 8, worker =>
        {
            for (var i = 0; i < 5_000; i++)
            {
                using var block = pool.Rent();
                var bytes = block.Memory.Span;
                bytes[0] = (byte)worker;
                bytes[^1] = (byte)worker;
                Thread.Yield();
                Assert.Equal((worker, worker), (bytes[0], bytes[^1]));
            }
        });
    }
}
