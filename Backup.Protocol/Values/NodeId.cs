using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace Backup.Protocol;

/// <summary>The stable name of a storage node: 1 to 32 lower-case letters, digits and dashes, starting with a letter or digit.</summary>
[JsonConverter(typeof(NodeIdJson))]
public readonly partial record struct NodeId : IParsable<NodeId>, IComparable<NodeId>
{
    private NodeId(string value) => Value = value;

    public string Value { get; }

    public static bool TryParse(string? text, IFormatProvider? provider, out NodeId id)
    {
        var ok = text is not null && Shape().IsMatch(text);
        id = ok ? new NodeId(text!) : default;
        return ok;
    }

    public static NodeId Parse(string text, IFormatProvider? provider = null) =>
        TryParse(text, provider, out var id) ? id : throw new FormatException($"Not a node id (lower-case letters, digits, dashes, at most 32): '{text}'.");

    public int CompareTo(NodeId other) => string.CompareOrdinal(Value, other.Value);

    public override string ToString() => Value ?? "";

    [GeneratedRegex(@"^[a-z0-9][a-z0-9-]{0,31}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Shape();
}

/// <summary>Node ids are plain strings in JSON.</summary>
public sealed class NodeIdJson : JsonConverter<NodeId>
{
    public override NodeId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        NodeId.TryParse(reader.GetString(), null, out var id) ? id : throw new JsonException("Not a node id.");

    public override void Write(Utf8JsonWriter writer, NodeId value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.Value);
}
