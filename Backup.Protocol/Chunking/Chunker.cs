using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Backup.Protocol;

/// <summary>
/// Finds the ends of content-defined chunks: a rolling gear hash with normalised chunking (Xia et al., "FastCDC", ATC 2016).
/// Below the average size a cut is less likely than above it, which narrows the spread of sizes.
/// The bounds depend on content alone, so that what stands after an insertion is cut as before.
/// </summary>
/// <param name="seed">Of an encrypting client another one for each, so that lengths alone do not give away a file that everybody has.</param>
public sealed class Chunker(ulong seed = 0)
{
    /// <summary>A chunk ends where the hash is below this. The chance is one in four times the average for a byte before the average, one in a quarter of it after (normalisation level 2).</summary>
    private const ulong EndsBelowAverage = ulong.MaxValue / (4UL * Limits.ChunkBytesAverage);
    private const ulong EndsAboveAverage = ulong.MaxValue / (Limits.ChunkBytesAverage / 4UL);

    private static readonly ulong[] Gear = MakeGear(0);

    private readonly ulong[] own = seed == 0 ? Gear : MakeGear(seed);

    private ulong hash;
    private int scanned;

    /// <summary>Forgets the current chunk: the next byte scanned starts a new one.</summary>
    public void Reset()
    {
        hash = 0;
        scanned = 0;
    }

    /// <summary>Looks for the end of the chunk in what was read of it so far. Bytes scanned by an earlier call are not scanned again.</summary>
    /// <param name="chunk">All bytes from the chunk's first on.</param>
    /// <returns>The chunk's length, or −1 when its end has not been read yet. At the end of the file the rest is the last chunk.</returns>
    public int FindEnd(ReadOnlySpan<byte> chunk)
    {
        // The first bytes cannot end a chunk, and 64 of them fill the hash: the others need not be looked at.
        scanned = Math.Max(scanned, Math.Min(chunk.Length, Limits.ChunkBytesMin - 64));
        var isFound = Scan(chunk, Limits.ChunkBytesMin, 0)
            || Scan(chunk, Limits.ChunkBytesAverage, EndsBelowAverage)
            || Scan(chunk, Limits.ChunkBytesMax, EndsAboveAverage)
            || scanned >= Limits.ChunkBytesMax;
        if (!isFound)
            return -1;
        var length = scanned;
        Reset();
        return length;
    }

    /// <summary>
    /// Scans on, up to a bound, for a hash below a limit. The loop that every byte of every new file goes through: four bytes a turn and
    /// without checks of bounds, which are made before it. Compiled at its best when first called, not ahead: for this processor, and it may
    /// run for seconds in few calls.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool Scan(ReadOnlySpan<byte> chunk, int bound, ulong limit)
    {
        var end = Math.Min(chunk.Length, bound);
        var (h, i) = (hash, scanned);
        ref var bytes = ref MemoryMarshal.GetReference(chunk);
        ref var gear = ref MemoryMarshal.GetArrayDataReference(own);
        for (; i <= end - 4; i += 4)
        {
            var h1 = (h << 1) + Unsafe.Add(ref gear, Unsafe.Add(ref bytes, i));
            var h2 = (h1 << 1) + Unsafe.Add(ref gear, Unsafe.Add(ref bytes, i + 1));
            var h3 = (h2 << 1) + Unsafe.Add(ref gear, Unsafe.Add(ref bytes, i + 2));
            var h4 = (h3 << 1) + Unsafe.Add(ref gear, Unsafe.Add(ref bytes, i + 3));
            if (h1 < limit || h2 < limit || h3 < limit || h4 < limit)
                break;
            h = h4;
        }
        var isFound = false;
        for (; i < end && !isFound; i++)
        {
            h = (h << 1) + Unsafe.Add(ref gear, Unsafe.Add(ref bytes, i));
            isFound = h < limit;
        }
        (hash, scanned) = (h, i);
        return isFound;
    }

    /// <summary>256 random numbers (SplitMix64 from the seed). They are part of the format: other numbers, other chunks.</summary>
    private static ulong[] MakeGear(ulong seed)
    {
        var gear = new ulong[256];
        var state = seed;
        for (var i = 0; i < gear.Length; i++)
        {
            state += 0x9E3779B97F4A7C15;
            var z = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            gear[i] = z ^ (z >> 31);
        }
        return gear;
    }
}
