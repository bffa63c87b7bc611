using System.Security.Cryptography;

namespace Backup.AppHost;

/// <summary>
/// The secret that the cluster's processes share: made when the cluster is first started, and kept with its data, where only
/// its owner may read it.
/// </summary>
internal static class ClusterKeyFile
{
    private const int LengthChars = 64;

    /// <param name="directory">The cluster's data directory, which this process holds.</param>
    public static string ReadOrMake(string directory)
    {
        var path = Path.Combine(directory, "cluster.key");
        try
        {
            if (File.Exists(path))
            {
                var kept = File.ReadAllText(path).Trim();
                return kept.Length == LengthChars && kept.All(char.IsAsciiHexDigit) ? kept
                    : throw new BadSettingException($"{path} does not hold a key of {LengthChars} hex digits. Without it, a new one is made.");
            }
            var key = RandomNumberGenerator.GetHexString(LengthChars, lowercase: true);
            PrivateFile.Write(path, key);
            return key;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new BadSettingException($"{path} cannot be read or written: {failure.Message}");
        }
    }
}
