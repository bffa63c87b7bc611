using System.Buffers.Binary;
using System.Globalization;
using System.IO.Hashing;
using System.Security.Cryptography;
using System.Text;

namespace Backup.Protocol;

/// <summary>
/// What one client encrypts with, all of it derived from its master key (docs/adr/0027). Chunks get keyed ids and AES-256-GCM;
/// names are encrypted part by part; a manifest is left readable for the nodes but for names, and bears a seal, which ties
/// path, version, time, size, attributes, and through the digest every chunk in its place, together. It holds no state and may be shared.
/// </summary>
public sealed class ClientCipher
{
    /// <summary>By which a chunk grows: a nonce before it and a tag behind it.</summary>
    public const int OverheadBytes = NonceBytes + TagBytes;

    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    /// <summary>Client, id, encoding and plain length: what the tag covers beside the content.</summary>
    private const int BoundBytes = ClientId.LengthBytes + ChunkId.LengthBytes + 1 + sizeof(int);

    private readonly byte[] idKey;
    private readonly byte[] chunkKey;
    private readonly byte[] sealKey;

    public ClientCipher(ClientId client, Secret masterKey)
    {
        Client = client;
        idKey = masterKey.Derive("backup 1 chunk id", client);
        chunkKey = masterKey.Derive("backup 1 chunk", client);
        sealKey = masterKey.Derive("backup 1 manifest", client);
        Names = new SealedNames(masterKey.Derive("backup 1 name tag", client), masterKey.Derive("backup 1 name", client));
        CutSeed = BinaryPrimitives.ReadUInt64LittleEndian(masterKey.Derive("backup 1 cut", client));
    }

    public ClientId Client { get; }

    public SealedNames Names { get; }

    /// <summary>Where chunks end depends on it, so that lengths alone do not give away a file that everybody has.</summary>
    public ulong CutSeed { get; }

    /// <summary>The id of these plain bytes: nobody without the key can tell which content has it.</summary>
    public ChunkId IdOf(ReadOnlySpan<byte> plain)
    {
        var id = default(ChunkId);
        HMACSHA256.HashData(idKey, plain, id);
        return id;
    }

    /// <summary>The record that is stored and sent in the place of a plain one; neither is disposed.</summary>
    /// <param name="named">Header of the plain record, with its keyed id.</param>
    /// <param name="packed">Its content, compressed or not.</param>
    public Record Seal(in RecordHeader named, ReadOnlySpan<byte> packed, bool isCompressed)
    {
        var rented = Record.Rent(packed.Length + OverheadBytes);
        var payload = rented.AsSpan(RecordHeader.LengthBytes, packed.Length + OverheadBytes);
        var header = named with
        {
            Encoding = isCompressed ? RecordEncoding.SealedZstd : RecordEncoding.SealedRaw,
            StoredBytes = payload.Length,
        };
        RandomNumberGenerator.Fill(payload[..NonceBytes]);
        using (var aead = new AesGcm(KeyOf(header.Id), TagBytes))
            aead.Encrypt(payload[..NonceBytes], packed, payload[NonceBytes..^TagBytes], payload[^TagBytes..], Bound(header));
        header = header with { Digest = ChunkId.Of(payload), PayloadChecksum = XxHash3.HashToUInt64(payload) };
        header.Write(rented);
        return Record.Wrap(rented, header);
    }

    /// <summary>Opens a chunk's payload into <paramref name="to"/>, which must hold its stored bytes.</summary>
    /// <returns>How many bytes it has, still compressed where it was; −1 when it was not sealed with this key under this id.</returns>
    public int Open(in RecordHeader header, ReadOnlySpan<byte> payload, Span<byte> to)
    {
        if (payload.Length < OverheadBytes || header.Client != Client)
            return -1;
        var length = payload.Length - OverheadBytes;
        try
        {
            using var aead = new AesGcm(KeyOf(header.Id), TagBytes);
            aead.Decrypt(payload[..NonceBytes], payload[NonceBytes..^TagBytes], payload[^TagBytes..], to[..length], Bound(header));
            return length;
        }
        catch (AuthenticationTagMismatchException)
        {
            return -1;
        }
    }

    /// <summary>The head as the cluster gets it: names encrypted, and a seal over all that must not change.</summary>
    public ManifestHead Seal(ManifestHead head)
    {
        var path = Names.Seal(head.Path);
        var hidden = head with { Path = path, LinkTarget = head.LinkTarget is { } target ? Names.SealBeside(path, target) : null };
        return hidden with { Seal = SealOf(hidden) };
    }

    /// <exception cref="FailureException">It was not sealed with this key, or was changed since.</exception>
    public ManifestHead Open(ManifestHead head, string culprit)
    {
        if (head.Seal is not { } seal || seal != SealOf(head) || Names.TryOpen(head.Path) is not { } path)
            throw Failure.Corrupt($"The manifest of version {head.Version}", culprit).Exception();
        return head with { Path = path, LinkTarget = head.LinkTarget is { } target ? Names.OpenBeside(head.Path, target, culprit) : null };
    }

    /// <summary>Another key for each chunk: no nonce ever meets another one under the same key in numbers that matter.</summary>
    private byte[] KeyOf(ChunkId id) => HMACSHA256.HashData(chunkKey, id);

    private static byte[] Bound(in RecordHeader header)
    {
        var bound = new byte[BoundBytes];
        header.Client.Write(bound);
        header.Id.Write(bound.AsSpan(ClientId.LengthBytes));
        bound[ClientId.LengthBytes + ChunkId.LengthBytes] = (byte)header.Encoding;
        BinaryPrimitives.WriteInt32LittleEndian(bound.AsSpan(BoundBytes - sizeof(int)), header.PlainBytes);
        return bound;
    }

    /// <summary>Over what a repair leaves as it is; where a version lies changes with the cluster. None of the parts holds a line feed.</summary>
    private ChunkId SealOf(ManifestHead head)
    {
        var text = string.Create(CultureInfo.InvariantCulture,
            $"backup seal 1\n{head.Path}\n{head.Version}\n{(int)head.Kind}\n{head.TimeMs}\n{head.SizeBytes}\n{head.Digest}\n{head.MtimeNs}\n{head.Mode}\n{head.LinkTarget ?? "-"}");
        return new ChunkId(HMACSHA256.HashData(sealKey, Encoding.UTF8.GetBytes(text)));
    }
}
