namespace Backup.Protocol;

/// <summary>
/// Finds the ends of content-defined chunks: a rolling gear hash with normalised chunking (Xia et al., "FastCDC", ATC 2016).
/// Below the average size a cut needs more zero bits than above it, which narrows the spread of sizes.
/// The bounds depend on content alone, so that what stands after an insertion is cut as before.
/// </summary>
/// <param name="seed">Of an encrypting client another one for each, so that lengths alone do not give away a file that everybody has.</param>
public sealed class Chunker(ulong seed = 0)
{
    /// <summary>log2 of the average; two more bits before it, two fewer after it (normalisation level 2).</summary>
    private const int AverageBits = 16;
    private const ulong MaskBelowAverage = ~0UL << (64 - (AverageBits + 2));
    private const ulong MaskAboveAverage = ~0UL << (64 - (AverageBits - 2));

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
        var i = Math.Max(scanned, Math.Min(chunk.Length, Limits.ChunkBytesMin - 64));
        var h = hash;
        ref var gear = ref System.Runtime.InteropServices.MemoryMarshal.GetArrayDataReference(own);

        var end = Math.Min(chunk.Length, Limits.ChunkBytesMin);
        for (; i < end; i++)
            h = (h << 1) + System.Runtime.CompilerServices.Unsafe.Add(ref gear, chunk[i]);
        end = Math.Min(chunk.Length, Limits.ChunkBytesAverage);
        for (; i < end; i++)
        {
            h = (h << 1) + System.Runtime.CompilerServices.Unsafe.Add(ref gear, chunk[i]);
            if ((h & MaskBelowAverage) == 0)
                return Found(i + 1);
        }
        end = Math.Min(chunk.Length, Limits.ChunkBytesMax);
        for (; i < end; i++)
        {
            h = (h << 1) + System.Runtime.CompilerServices.Unsafe.Add(ref gear, chunk[i]);
            if ((h & MaskAboveAverage) == 0)
                return Found(i + 1);
        }
        if (i >= Limits.ChunkBytesMax)
            return Found(Limits.ChunkBytesMax);
        hash = h;
        scanned = i;
        return -1;
    }

    private int Found(int length)
    {
        Reset();
        return length;
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
