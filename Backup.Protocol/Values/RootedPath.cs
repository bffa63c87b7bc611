using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Backup.Protocol;

/// <summary>
/// A path inside a client's root: relative, components separated by '/', in well-formed Unicode, never leaving the root.
/// Every other character a file system allows is kept as it is (no normalisation: what differs on disk stays different);
/// <see cref="ToString"/> is the exact path, <see cref="Display"/> is safe on a terminal.
/// </summary>
[JsonConverter(typeof(RootedPathJson))]
public readonly record struct RootedPath : IParsable<RootedPath>, IComparable<RootedPath>
{
    /// <summary>Linux's PATH_MAX.</summary>
    public const int PathBytesMax = 4096;

    /// <summary>Linux's NAME_MAX.</summary>
    public const int ComponentBytesMax = 255;

    private RootedPath(string value) => Value = value;

    public string Value { get; }

    /// <summary>The path with control and direction-changing characters escaped, so that a name cannot drive a terminal.</summary>
    public string Display => Escape(Value);

    public static bool TryParse(string? text, IFormatProvider? provider, out RootedPath path)
    {
        var ok = text is not null && WhatIsWrong(text) is null;
        path = ok ? new RootedPath(text!) : default;
        return ok;
    }

    public static RootedPath Parse(string text, IFormatProvider? provider = null) =>
        WhatIsWrong(text) is { } wrong ? throw Failure.InvalidPath(text, wrong).Exception() : new RootedPath(text);

    /// <summary>Why this is no path inside a root, or null when it is one.</summary>
    public static string? WhatIsWrong(string text)
    {
        if (text.Length == 0)
            return "it is empty";
        if (!IsWellFormed(text))
            return "it is not well-formed Unicode";
        if (Encoding.UTF8.GetByteCount(text) > PathBytesMax)
            return $"it is longer than {PathBytesMax} bytes";
        if (text.Contains('\0'))
            return "it contains a NUL character";
        if (text[0] == '/')
            return "it is absolute";
        foreach (var component in text.Split('/'))
        {
            if (component.Length == 0)
                return "it has an empty component";
            if (component is "." or "..")
                return $"it has a '{component}' component";
            if (Encoding.UTF8.GetByteCount(component) > ComponentBytesMax)
                return $"it has a component longer than {ComponentBytesMax} bytes";
        }
        // A backslash is an ordinary character of a name here and a separator elsewhere: it must not climb there either.
        return text.Split('/', '\\').Contains("..") ? "it climbs out of its folder with '..'" : null;
    }

    public int CompareTo(RootedPath other) => string.CompareOrdinal(Value, other.Value);

    public override string ToString() => Value ?? "";

    /// <summary>Escapes what could move a cursor or reorder text: control, format and separator characters.</summary>
    public static string Escape(string text)
    {
        if (!text.Any(MustEscape))
            return text;
        var safe = new StringBuilder();
        foreach (var c in text)
            safe.Append(MustEscape(c) ? $"\\u{(int)c:x4}" : c);
        return safe.ToString();
    }

    private static bool MustEscape(char c) => char.GetUnicodeCategory(c) is
        System.Globalization.UnicodeCategory.Control or System.Globalization.UnicodeCategory.Format or
        System.Globalization.UnicodeCategory.LineSeparator or System.Globalization.UnicodeCategory.ParagraphSeparator;

    private static bool IsWellFormed(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
                i++;
            else if (char.IsSurrogate(text[i]) || text[i] == '\uFFFD')
                return false;
        }
        return true;
    }
}

/// <summary>Paths are plain strings in JSON and are checked when they are read.</summary>
public sealed class RootedPathJson : JsonConverter<RootedPath>
{
    public override RootedPath Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        RootedPath.Parse(reader.GetString() ?? "");

    public override void Write(Utf8JsonWriter writer, RootedPath value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.Value);
}
