using System.Text.Json;
using System.Text.Json.Serialization;
using Backup.Protocol;

namespace Backup.Client;

/// <summary>What one drill came to: a line of the history.</summary>
/// <param name="Time">ISO 8601, UTC.</param>
/// <param name="Files">Restored, or tried to.</param>
/// <param name="Good">Whose content, read back from the disk, has the version's digest.</param>
/// <param name="Compared">Of these, files that the root still has unchanged, and whose content there was the same.</param>
/// <param name="Failed">The rest of <paramref name="Files"/>.</param>
/// <param name="ElapsedMs">Of the restore alone.</param>
internal sealed record DrillRecord(string Time, string Root, string Client, long Files, long Good, long Compared, long Failed, long Bytes, long ElapsedMs, string? AsOf = null);

/// <summary>The drills of this user, oldest first, a line of JSON each, in the state folder.</summary>
internal sealed class DrillHistory(Surroundings surroundings)
{
    private const string FileName = "drills.jsonl";

    public string FilePath { get; } = Path.Join(UserFolders.State(surroundings), FileName);

    public void Add(DrillRecord record)
    {
        PrivateFile.MakeFolder(Path.GetDirectoryName(FilePath)!);
        try
        {
            File.AppendAllText(FilePath, JsonSerializer.Serialize(record, DrillJson.Default.DrillRecord) + "\n");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new Failure(FailureCode.LocalFailed, $"The drill cannot be recorded in '{FilePath}': {e.Message.TrimEnd('.')}.", FilePath, "Make it writable, or set XDG_STATE_HOME.").Exception(e);
        }
    }

    /// <summary>Of one client; a line that cannot be read, such as one torn by a crash, is left out.</summary>
    public IReadOnlyList<DrillRecord> Of(ClientId client)
    {
        if (!File.Exists(FilePath))
            return [];
        var records = new List<DrillRecord>();
        foreach (var line in File.ReadLines(FilePath))
        {
            try
            {
                if (JsonSerializer.Deserialize(line, DrillJson.Default.DrillRecord) is { } record && record.Client == client.ToString())
                    records.Add(record);
            }
            catch (JsonException)
            {
                // What a drill found once is not worth failing for.
            }
        }
        return records;
    }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DrillRecord))]
internal sealed partial class DrillJson : JsonSerializerContext;
