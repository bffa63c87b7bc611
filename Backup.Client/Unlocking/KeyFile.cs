using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Backup.Protocol;

namespace Backup.Client;

/// <summary>How a passphrase becomes a key. What stands in a file is used only within these bounds.</summary>
/// <param name="MemoryKiB">Of Argon2id.</param>
/// <param name="Salt">16 bytes.</param>
internal sealed record PassphraseCost(int MemoryKiB, int Passes, byte[] Salt)
{
    private const int SaltBytes = 16;

    /// <summary>OWASP's and RFC 9106's second recommendation: 64 MiB, three passes, a tenth of a second here.</summary>
    private const int MemoryKiBNow = 64 << 10;
    private const int PassesNow = 3;

    /// <summary>Less was never written. More than this is somebody's wish to cost this machine its memory or minutes.</summary>
    private const int MemoryKiBMin = 19 << 10;
    private const int MemoryKiBMax = 512 << 10;
    private const int PassesMax = 10;

    public static PassphraseCost New() => new(MemoryKiBNow, PassesNow, RandomNumberGenerator.GetBytes(SaltBytes));

    [JsonIgnore]
    public bool IsWithinBounds => MemoryKiB is >= MemoryKiBMin and <= MemoryKiBMax && Passes is >= 1 and <= PassesMax && Salt.Length == SaltBytes;

    /// <summary>Takes a tenth of a second on purpose: each guess costs whoever guesses as much.</summary>
    public byte[] Stretch(string passphrase)
    {
        var parameters = new NSec.Cryptography.Argon2Parameters { DegreeOfParallelism = 1, MemorySize = MemoryKiB, NumberOfPasses = Passes };
        return NSec.Cryptography.PasswordBasedKeyDerivationAlgorithm.Argon2id(parameters).DeriveBytes(Encoding.UTF8.GetBytes(passphrase), Salt, 32);
    }
}

/// <summary>
/// A client's master key, once wrapped by its passphrase and once by its recovery key, as it is stored in the cluster
/// (docs/formats.md). Whoever has it has a guess at the passphrase to make, a tenth of a second each, and nothing else.
/// </summary>
/// <param name="ByPassphrase">Nonce, ciphertext and tag of AES-256-GCM.</param>
internal sealed record KeyFile(int Format, ClientId Client, PassphraseCost Cost, byte[] ByPassphrase, byte[] ByRecoveryKey)
{
    /// <summary>A file is some 400 bytes.</summary>
    public const int BytesMax = 4096;

    private const int FormatNow = 1;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int KeyChars = 43;

    public static KeyFile Wrap(ClientId client, Secret masterKey, string passphrase, Secret recoveryKey) =>
        new KeyFile(FormatNow, client, PassphraseCost.New(), [], []).WithRecoveryKey(masterKey, recoveryKey).WithPassphrase(masterKey, passphrase);

    public KeyFile WithPassphrase(Secret masterKey, string passphrase)
    {
        var fresh = this with { Cost = PassphraseCost.New() };
        return fresh with { ByPassphrase = Wrap(fresh.Cost.Stretch(passphrase), masterKey, fresh.BoundToPassphrase) };
    }

    public KeyFile WithRecoveryKey(Secret masterKey, Secret recoveryKey) =>
        this with { ByRecoveryKey = Wrap(recoveryKey.Derive(RecoveryUse, Client), masterKey, BoundToClient) };

    /// <returns>Null when the passphrase is another one.</returns>
    public Secret? OpenByPassphrase(string passphrase) => Open(Cost.Stretch(passphrase), ByPassphrase, BoundToPassphrase);

    /// <returns>Null when the recovery key is another one.</returns>
    public Secret? OpenByRecoveryKey(Secret recoveryKey) => Open(recoveryKey.Derive(RecoveryUse, Client), ByRecoveryKey, BoundToClient);

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, ConfigurationJson.Default.KeyFile);

    /// <param name="client">Whose it must be; null for anybody's.</param>
    /// <returns>Null when it is no key file of this client, or one that would cost more than any that was ever written.</returns>
    public static KeyFile? TryParse(ReadOnlySpan<byte> bytes, ClientId? client)
    {
        try
        {
            return bytes.Length <= BytesMax && JsonSerializer.Deserialize(bytes, ConfigurationJson.Default.KeyFile) is
            { Format: FormatNow, Cost: { Salt: not null, IsWithinBounds: true }, ByPassphrase: not null, ByRecoveryKey: not null } file && (client is null || file.Client == client) ? file : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private const string RecoveryUse = "backup 1 recovery";

    private byte[] BoundToClient => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"backup key {Format}\n{Client}"));

    private byte[] BoundToPassphrase =>
        [.. BoundToClient, .. Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"\nargon2id {Cost.MemoryKiB} {Cost.Passes} {Convert.ToHexStringLower(Cost.Salt)}"))];

    private static byte[] Wrap(byte[] key, Secret masterKey, byte[] bound)
    {
        var wrapped = new byte[NonceBytes + KeyChars + TagBytes];
        RandomNumberGenerator.Fill(wrapped.AsSpan(0, NonceBytes));
        using var aead = new AesGcm(key, TagBytes);
        aead.Encrypt(wrapped.AsSpan(0, NonceBytes), Encoding.ASCII.GetBytes(masterKey.Reveal()), wrapped.AsSpan(NonceBytes, KeyChars), wrapped.AsSpan(NonceBytes + KeyChars), bound);
        return wrapped;
    }

    private static Secret? Open(byte[] key, byte[] wrapped, byte[] bound)
    {
        if (wrapped.Length != NonceBytes + KeyChars + TagBytes)
            return null;
        var text = new byte[KeyChars];
        try
        {
            using var aead = new AesGcm(key, TagBytes);
            aead.Decrypt(wrapped.AsSpan(0, NonceBytes), wrapped.AsSpan(NonceBytes, KeyChars), wrapped.AsSpan(NonceBytes + KeyChars), text, bound);
            return Secret.TryParse(Encoding.ASCII.GetString(text), out var masterKey) ? masterKey : null;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }
}
