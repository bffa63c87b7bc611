using System.Text.Json;
using Backup.Protocol;

namespace Backup.Storage.Salvage;

/// <summary>The keys of clients that encrypt, as a client's clients.json has them.</summary>
internal static class SalvageKeys
{
    /// <returns>Null when the file is none of these, or holds no key.</returns>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static Dictionary<ClientId, ClientCipher>? Read(string path)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(path));
            var ciphers = new Dictionary<ClientId, ClientCipher>();
            foreach (var kept in json.RootElement.GetProperty("keys").EnumerateArray())
            {
                if (!ClientId.TryParse(kept.GetProperty("client").GetString(), null, out var client) || !Secret.TryParse(kept.GetProperty("key").GetString(), out var key))
                    return null;
                ciphers[client] = new ClientCipher(client, key);
            }
            return ciphers;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return null;
        }
    }
}
