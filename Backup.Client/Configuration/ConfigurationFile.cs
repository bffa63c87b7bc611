using System.Text.Json;
using System.Text.Json.Serialization;
using Backup.Protocol;

namespace Backup.Client;

/// <summary>What stands in a <c>backup.json</c>. Comments and trailing commas are allowed, unknown members are not.</summary>
/// <param name="Servers">Addresses of nodes; any one will do, more make the client independent of each.</param>
/// <param name="Root">The root directory, relative to the file.</param>
/// <param name="Exclude">Patterns as in a .gitignore of what to leave out.</param>
/// <param name="Include">Patterns of what to keep although an exclude pattern matches it.</param>
/// <param name="Retention">What `retention` keeps when its options say nothing else.</param>
/// <param name="Bandwidth">How fast content may be sent, as <see cref="Client.Bandwidth"/> reads it; null for as fast as it can.</param>
/// <param name="Authority">A PEM file, relative to this one, with whose certificates are trusted beside those the system trusts.</param>
internal sealed record ConfigurationFile(
    Uri[]? Servers = null, string? Root = null, string[]? Exclude = null, string[]? Include = null, RetentionPolicy? Retention = null, string? Bandwidth = null, string? Authority = null)
{
    public const string FileName = "backup.json";

    /// <summary>The nearest file from the current folder upwards, else the user's own; null when there is neither.</summary>
    public static string? Find(Surroundings surroundings)
    {
        for (var folder = surroundings.CurrentFolder; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            var here = Path.Join(folder, FileName);
            if (File.Exists(here))
                return here;
        }
        var own = Path.Join(UserFolders.Configuration(surroundings), FileName);
        return File.Exists(own) ? own : null;
    }

    /// <exception cref="FailureException">It cannot be read or understood.</exception>
    public static ConfigurationFile Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), ConfigurationJson.Default.ConfigurationFile) ?? new ConfigurationFile();
        }
        catch (JsonException e)
        {
            throw Unusable(path, $"line {e.LineNumber + 1}: {e.Message.Split(" Path:")[0].TrimEnd('.')}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unusable(path, e.Message.TrimEnd('.'), e);
        }
    }

    public string ToJson() => JsonSerializer.Serialize(this, ConfigurationJson.Default.ConfigurationFile);

    public void Write(string path) => PrivateFile.Write(path, JsonSerializer.SerializeToUtf8Bytes(this, ConfigurationJson.Default.ConfigurationFile));

    private static FailureException Unusable(string path, string why, Exception e) => new Failure(FailureCode.LocalFailed,
        $"'{path}' cannot be used: {why}.", path, "Correct it; it may hold servers, root, exclude, include, retention, bandwidth and authority.").Exception(e);
}

[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    ReadCommentHandling = JsonCommentHandling.Skip,
    AllowTrailingCommas = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(ConfigurationFile))]
[JsonSerializable(typeof(IdentityFile))]
[JsonSerializable(typeof(KeyFile))]
internal sealed partial class ConfigurationJson : JsonSerializerContext;
