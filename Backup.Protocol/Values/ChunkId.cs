using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Backup.Protocol;

/// <summary>The 32-byte name of a chunk or of any other content: SHA-256 of its plain bytes. Written as 64 lower-case hex digits.</summary>
[InlineArray(LengthBytes)]
[JsonConverter(typeof(ChunkIdJson))]
public struct ChunkId : IEquatable<ChunkId>, IParsable<ChunkId>
{
    public const int LengthBytes = 32;

    private byte first;

    public ChunkId(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != LengthBytes)
            throw new ArgumentException($"A chunk id has {LengthBytes} bytes, not {bytes.Length}.", nameof(bytes));
        bytes.CopyTo(this);
    }

    /// <summary>The id of these plain bytes.</summary>
    public static ChunkId Of(ReadOnlySpan<byte> content)
    {
        var id = default(ChunkId);
        SHA256.HashData(content, id);
        return id;
    }

    public static bool TryParse(string? text, IFormatProvider? provider, out ChunkId id)
    {
        id = default;
        return text?.Length == LengthBytes * 2
            && Convert.FromHexString(text, id, out _, out var written) == System.Buffers.OperationStatus.Done
            && written == LengthBytes;
    }

    public static ChunkId Parse(string text, IFormatProvider? provider = null) =>
        TryParse(text, provider, out var id) ? id : throw new FormatException($"Not a digest of {LengthBytes * 2} hex digits: '{text}'.");

    public readonly void Write(Span<byte> to) => ((ReadOnlySpan<byte>)this).CopyTo(to);

    public readonly bool Equals(ChunkId other) => ((ReadOnlySpan<byte>)this).SequenceEqual(other);

    public override readonly bool Equals(object? obj) => obj is ChunkId other && Equals(other);

    /// <summary>A digest is uniformly spread already: its first bytes are its hash.</summary>
    public override readonly int GetHashCode() => MemoryMarshal.Read<int>(this);

    public override readonly string ToString() => Convert.ToHexStringLower(this);

    public static bool operator ==(ChunkId left, ChunkId right) => left.Equals(right);

    public static bool operator !=(ChunkId left, ChunkId right) => !left.Equals(right);
}

/// <summary>Chunk ids are hex strings in JSON.</summary>
public sealed class ChunkIdJson : JsonConverter<ChunkId>
{
    public override ChunkId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        ChunkId.TryParse(reader.GetString(), null, out var id) ? id : throw new JsonException("Not a digest of 64 hex digits.");

    public override void Write(Utf8JsonWriter writer, ChunkId value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}
