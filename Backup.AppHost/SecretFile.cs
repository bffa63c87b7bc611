using System.Security.Cryptography;

namespace Backup.AppHost;

/// <summary>
/// A secret that the cluster's processes share: made when it is first needed, and kept with the cluster's data, where only
/// its owner may read it.
/// </summary>
internal static class SecretFile
{
    private const int LengthChars = 64;

    /// <param name="path">In the cluster's data directory, which this process holds.</param>
    public static string ReadOrMake(string path)
    {
        try
        {
            if (File.Exists(path))
            {
                var kept = File.ReadAllText(path).Trim();
                return kept.Length == LengthChars && kept.All(char.IsAsciiHexDigit) ? kept
                    : throw new BadSettingException($"{path} does not hold a key of {LengthChars} hex digits. Without it, a new one is made.");
            }
            var made = RandomNumberGenerator.GetHexString(LengthChars, lowercase: true);
            PrivateFile.Write(path, made);
            return made;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new BadSettingException($"{path} cannot be read or written: {failure.Message}");
        }
    }
}
