using System.Buffers;
using System.Collections.Concurrent;
using Microsoft.AspNetCore.Connections;

namespace Backup.ServiceDefaults;

/// <summary>Gives Kestrel its memory: one pool for all its transports.</summary>
public sealed class PinnedBlockPoolFactory : IMemoryPoolFactory<byte>
{
    private readonly PinnedBlockPool pool = new();

    /// <summary>The transports share one pool, so that what is kept is bounded once, for the process.</summary>
    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => pool;
}

/// <summary>
/// A pool of pinned blocks of 64 KiB.
/// </summary>
/// <remarks>
/// Kestrel receives into whatever its pool rents, and its own pool rents 4 KiB: one system call for each. Measured
/// on two cores, 1 GiB into a bare PUT endpoint over loopback: 1.9 CPU seconds and 0.8 GiB/s with Kestrel's pool,
/// 0.42 CPU seconds and 2.8 GiB/s with this one; blocks of 256 KiB brought no more.
/// Blocks beyond <see cref="KeptBlocksMax"/> go to the garbage collector when they come back, so that a burst does
/// not stay for ever. Blocks are kept rather than freed and taken anew, because memory that was just given back to
/// the system is slow to touch again.
/// </remarks>
public sealed class PinnedBlockPool : MemoryPool<byte>
{
    /// <summary>Size of every block, in bytes.</summary>
    public const int BlockBytes = 64 << 10;

    /// <summary>At most 64 MiB are kept for later: sixteen connections reading ahead 4 MiB each.</summary>
    public const int KeptBlocksMax = 1024;

    private readonly ConcurrentStack<Block> kept = new();
    private int keptCount;

    /// <inheritdoc/>
    public override int MaxBufferSize => BlockBytes;

    /// <summary>Blocks at hand, for tests.</summary>
    public int KeptBlocks => Volatile.Read(ref keptCount);

    /// <summary>One block, whatever is asked for up to <see cref="BlockBytes"/>.</summary>
    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, BlockBytes);
        if (!kept.TryPop(out var block))
            return new Block(this);

        Interlocked.Decrement(ref keptCount);
        block.Take();
        return block;
    }

    /// <summary>The pool lives as long as the process; a transport that ends must not take it from the others.</summary>
    protected override void Dispose(bool disposing)
    {
    }

    private void Return(Block block)
    {
        if (Interlocked.Increment(ref keptCount) > KeptBlocksMax)
            Interlocked.Decrement(ref keptCount);
        else
            kept.Push(block);
    }

    /// <summary>A pinned array; given back once per rent, however often it is disposed.</summary>
    private sealed class Block(PinnedBlockPool pool) : IMemoryOwner<byte>
    {
        private readonly byte[] bytes = GC.AllocateUninitializedArray<byte>(BlockBytes, pinned: true);
        private int rented = 1;

        public Memory<byte> Memory => bytes;

        public void Take() => Volatile.Write(ref rented, 1);

        public void Dispose()
        {
            if (Interlocked.Exchange(ref rented, 0) == 1)
                pool.Return(this);
        }
    }
}
