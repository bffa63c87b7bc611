using System.Text.Json;
using System.Text.Json.Serialization;

namespace Backup.Protocol;

/// <summary>One enrolled owner of files. 16 random bytes, written as 32 lower-case hex digits.</summary>
[JsonConverter(typeof(ClientIdJson))]
public readonly record struct ClientId(Guid Value) : IParsable<ClientId>
{
    public const int LengthBytes = 16;

    /// <summary>Whose files they are that a plain HTTP tool sends without saying for whom: 31 zeros and a one.</summary>
    public static readonly ClientId Guest = new(new Guid(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1));

    /// <summary>Who has nothing stored and never will: for asking before there is an id. 32 times f.</summary>
    public static readonly ClientId Nobody = new(Guid.AllBitsSet);

    public static ClientId New() => new(Guid.NewGuid());

    public static bool TryParse(string? text, IFormatProvider? provider, out ClientId id)
    {
        var ok = Guid.TryParseExact(text, "N", out var guid) && guid != Guid.Empty;
        id = new ClientId(guid);
        return ok;
    }

    public static ClientId Parse(string text, IFormatProvider? provider = null) =>
        TryParse(text, provider, out var id) ? id : throw new FormatException($"Not a client id of 32 hex digits: '{text}'.");

    /// <summary>Reads the 16 bytes as they stand in a record's header (big-endian, so that hex and bytes agree).</summary>
    public static ClientId Read(ReadOnlySpan<byte> bytes) => new(new Guid(bytes, bigEndian: true));

    public void Write(Span<byte> bytes) => Value.TryWriteBytes(bytes, bigEndian: true, out _);

    public override string ToString() => Value.ToString("N");
}

/// <summary>Client ids are hex strings in JSON.</summary>
public sealed class ClientIdJson : JsonConverter<ClientId>
{
    public override ClientId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        ClientId.TryParse(reader.GetString(), null, out var id) ? id : throw new JsonException("Not a client id of 32 hex digits.");

    public override void Write(Utf8JsonWriter writer, ClientId value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}
