using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Backup.Protocol;

namespace Backup.Client;

/// <summary>
/// Remembers under which operation each file of several segments is being sent, until it is stored. A backup that was stopped, or
/// killed, asks for the place of such a file under the same name again, and finds on its nodes what they have of it already.
/// </summary>
internal sealed class LargeUploads(CatalogueFolder folder)
{
    /// <summary>What fits one segment is quickly sent again.</summary>
    public static bool IsLarge(CatalogueEntry entry) => entry.Kind == VersionKind.File && entry.SizeBytes > Limits.SegmentBytesTarget;

    /// <summary>The operation of this very content; a new one when the file is not as it was then.</summary>
    public string OperationFor(CatalogueEntry entry)
    {
        var path = PathOf(entry.Path);
        var looks = string.Create(CultureInfo.InvariantCulture, $"{entry.SizeBytes} {entry.MtimeNs} {entry.CtimeNs} {entry.Inode}");
        if (Read(path) is [var known, var then] && then == looks)
            return known;
        var operation = Guid.NewGuid().ToString("N");
        PrivateFile.Write(path, Encoding.UTF8.GetBytes($"{operation}\n{looks}"));
        return operation;
    }

    public void Stored(RootedPath file) => File.Delete(PathOf(file));

    /// <summary>A backup of the whole root has ended: what is still remembered is of files that went away.</summary>
    public void Clear()
    {
        if (Directory.Exists(folder.UnderWayPath))
            Directory.Delete(folder.UnderWayPath, recursive: true);
    }

    private string PathOf(RootedPath file)
    {
        PrivateFile.MakeFolder(folder.UnderWayPath);
        return Path.Join(folder.UnderWayPath, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(file.Value))));
    }

    private static string[] Read(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllText(path).Split('\n') : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Then it is sent from its start.
            return [];
        }
    }
}
