namespace Backup.Fuzz;

/// <summary>Makes bad bytes of good ones, the same for the same seed. It knows nothing of coverage; AFL++ does (docs/reliability.md).</summary>
public sealed class Mutator(int seed)
{
    private static readonly byte[][] Words =
    [
        "../"u8.ToArray(), "\0"u8.ToArray(), "\""u8.ToArray(), "{"u8.ToArray(), "[[[["u8.ToArray(), "null"u8.ToArray(), "-1"u8.ToArray(), "1e999"u8.ToArray(), "9223372036854775808"u8.ToArray(),
        "BKR1"u8.ToArray(), [0xff, 0xff, 0xff, 0x7f], [0xc0, 0xaf], [0xed, 0xa0, 0x80], "~/"u8.ToArray(), "\u202e"u8.ToArray(),
    ];

    /// <summary>More than any target needs to be led astray; longer ones only cost time.</summary>
    private const int BytesMax = 64 << 10;

    private readonly Random random = new(seed);

    public byte[] Next(byte[] good)
    {
        var bytes = new List<byte>(good);
        for (var changes = 1 << random.Next(5); changes > 0 && bytes.Count < BytesMax; changes--)
        {
            var at = random.Next(bytes.Count + 1);
            switch (random.Next(7))
            {
                case 0 when at < bytes.Count:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1 when at < bytes.Count:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    bytes.RemoveRange(at, Math.Min(bytes.Count - at, random.Next(1, 64)));
                    break;
                case 3:
                    bytes.InsertRange(at, bytes.GetRange(at, Math.Min(bytes.Count - at, random.Next(1, 256))));
                    break;
                case 4:
                    bytes.InsertRange(at, Words[random.Next(Words.Length)]);
                    break;
                case 5:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                default:
                    Reseal(bytes);
                    break;
            }
        }
        return [.. bytes];
    }

    /// <summary>Makes the checksum of a header that was changed fit again: otherwise nothing behind it would ever be reached.</summary>
    private void Reseal(List<byte> bytes)
    {
        const int HeaderBytes = Protocol.RecordHeader.LengthBytes;
        if (bytes.Count < HeaderBytes)
            return;
        var head = bytes.GetRange(0, HeaderBytes).ToArray();
        head[4 + random.Next(28)] = (byte)random.Next(256);
        BitConverter.TryWriteBytes(head.AsSpan(HeaderBytes - 8), System.IO.Hashing.XxHash3.HashToUInt64(head.AsSpan(0, HeaderBytes - 8)));
        for (var i = 0; i < HeaderBytes; i++)
            bytes[i] = head[i];
    }
}
