namespace Backup.Tests.PackWriter;

/// <summary>Content that follows from a seed, so that any byte can be checked without keeping it, in either process.</summary>
public static class Seeded
{
    public static byte[] Bytes(int seed, int bytes)
    {
        var content = new byte[bytes];
        new Random(seed).NextBytes(content);
        return content;
    }
}
