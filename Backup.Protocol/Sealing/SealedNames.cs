using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace Backup.Protocol;

/// <summary>
/// Encrypts paths part by part, always alike, so that the cluster can find a file again and list a folder without reading its
/// name. A synthetic-IV construction (Rogaway and Shrimpton, 2006) of standard parts: a tag, HMAC-SHA256 over the parent's tag
/// and the part, which is also what the part is found genuine by; and HKDF-Expand of a key made from that tag, as its key stream.
/// A part's tag depends on all parts before it: the same name in another folder looks different, and none can be moved.
/// </summary>
public sealed class SealedNames(byte[] tagKey, byte[] streamKey)
{
    private const int TagBytes = 16;

    /// <summary>Ends every piece but the last of a part too long for one component. No base64url has it.</summary>
    private const char GoesOn = '~';

    /// <summary>Characters of a piece: what a file system takes as one component, less the mark, in whole groups of base64.</summary>
    private const int PieceChars = 252;

    /// <summary>Files come folder by folder; so many are remembered in each direction before all are forgotten (about 1 MiB).</summary>
    private const int FoldersHeldMax = 4_096;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly ConcurrentDictionary<string, Place> sealedFolders = new();
    private readonly ConcurrentDictionary<string, Place> openedFolders = new();

    /// <summary>A folder in its other spelling, and its tag.</summary>
    private sealed record Place(string Path, byte[] Tag)
    {
        public static readonly Place Root = new("", new byte[TagBytes]);

        public string Below(string part) => Path.Length == 0 ? part : Path + "/" + part;
    }

    /// <exception cref="FailureException">Encrypted it would be longer than a path may be.</exception>
    public RootedPath Seal(RootedPath path)
    {
        var hidden = SealFolder(path.Value, remember: false).Path;
        if (hidden.Length > RootedPath.PathBytesMax)
        {
            throw new Failure(FailureCode.InvalidPath, $"'{path.Display}' has a name that is too long once it is encrypted: {hidden.Length} of at most {RootedPath.PathBytesMax} bytes.",
                "client", "Shorten it, or its folders' names; every part grows by 16 bytes and a third.").Exception();
        }
        return RootedPath.Parse(hidden);
    }

    /// <summary>The path that was encrypted; null when this was not made with this key.</summary>
    public RootedPath? TryOpen(RootedPath hidden)
    {
        var slash = LastPart(hidden.Value);
        return OpenFolder(slash < 0 ? "" : hidden.Value[..slash]) is { } folder && OpenPart(folder, hidden.Value[(slash + 1)..]) is { } file
            && RootedPath.TryParse(file.Path, null, out var path) ? path : null;
    }

    /// <summary>What all paths below a folder start with; nothing for the root.</summary>
    public string SealPrefix(string folder) => folder.Length == 0 ? "" : SealFolder(folder, remember: true).Path + "/";

    /// <summary>Encrypts what is kept beside a name, as a symlink's target is.</summary>
    public string SealBeside(RootedPath hidden, string text) => Base64Url.EncodeToString(SealBytes(BesideTag(hidden), Encoding.UTF8.GetBytes(text)));

    /// <exception cref="FailureException">It is not what was encrypted beside this name.</exception>
    public string OpenBeside(RootedPath hidden, string text, string culprit) =>
        Open(BesideTag(hidden), text)?.Text ?? throw Failure.Corrupt("A symlink's target", culprit).Exception();

    private Place SealFolder(string folder, bool remember)
    {
        if (folder.Length == 0)
            return Place.Root;
        if (sealedFolders.TryGetValue(folder, out var known))
            return known;
        var slash = folder.LastIndexOf('/');
        var parent = SealFolder(slash < 0 ? "" : folder[..slash], remember: true);
        var part = SealBytes(parent.Tag, Encoding.UTF8.GetBytes(folder[(slash + 1)..]));
        var made = new Place(parent.Below(InPieces(Base64Url.EncodeToString(part))), part[..TagBytes]);
        return remember ? Remember(sealedFolders, folder, made) : made;
    }

    private Place? OpenFolder(string hidden)
    {
        if (hidden.Length == 0)
            return Place.Root;
        if (openedFolders.TryGetValue(hidden, out var known))
            return known;
        var slash = LastPart(hidden);
        return OpenFolder(slash < 0 ? "" : hidden[..slash]) is { } parent && OpenPart(parent, hidden[(slash + 1)..]) is { } opened
            ? Remember(openedFolders, hidden, opened) : null;
    }

    private Place? OpenPart(Place parent, string pieces)
    {
        var whole = pieces.Replace("~/", "", StringComparison.Ordinal);
        // One spelling each: cut elsewhere it would be a second name for the same file.
        return InPieces(whole) == pieces && Open(parent.Tag, whole) is { } part ? new Place(parent.Below(part.Text), part.Tag) : null;
    }

    private static Place Remember(ConcurrentDictionary<string, Place> folders, string path, Place place)
    {
        if (folders.Count >= FoldersHeldMax)
            folders.Clear();
        folders[path] = place;
        return place;
    }

    /// <summary>Where the last part begins: before all of its pieces.</summary>
    private static int LastPart(string hidden)
    {
        var slash = hidden.LastIndexOf('/');
        while (slash > 0 && hidden[slash - 1] == GoesOn)
            slash = hidden.LastIndexOf('/', slash - 1);
        return slash;
    }

    private static string InPieces(string text) =>
        text.Length <= PieceChars ? text : string.Join("~/", text.Chunk(PieceChars).Select(piece => new string(piece)));

    private static byte[] BesideTag(RootedPath hidden) => SHA256.HashData(Encoding.UTF8.GetBytes("beside " + hidden.Value))[..TagBytes];

    /// <returns>The tag, and the part behind it.</returns>
    private byte[] SealBytes(byte[] parentTag, byte[] plain)
    {
        var made = new byte[TagBytes + plain.Length];
        TagOf(parentTag, plain).CopyTo(made.AsSpan());
        plain.CopyTo(made, TagBytes);
        Mask(made.AsSpan(0, TagBytes), made.AsSpan(TagBytes));
        return made;
    }

    private (string Text, byte[] Tag)? Open(byte[] parentTag, string text)
    {
        if (!Base64Url.IsValid(text, out var length) || length <= TagBytes)
            return null;
        var bytes = Base64Url.DecodeFromChars(text);
        if (Base64Url.EncodeToString(bytes) != text)
            return null;
        var (tag, plain) = (bytes[..TagBytes], bytes[TagBytes..]);
        Mask(tag, plain);
        if (!CryptographicOperations.FixedTimeEquals(tag, TagOf(parentTag, plain)))
            return null;
        try
        {
            return (Strict.GetString(plain), tag);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    private ReadOnlySpan<byte> TagOf(byte[] parentTag, byte[] plain)
    {
        byte[] bound = [.. parentTag, .. plain];
        return HMACSHA256.HashData(tagKey, bound).AsSpan(0, TagBytes);
    }

    private void Mask(ReadOnlySpan<byte> tag, Span<byte> bytes)
    {
        if (bytes.IsEmpty)
            return;
        // HKDF gives at most 255 blocks of 32 bytes, which is twice the longest path.
        var stream = new byte[bytes.Length];
        HKDF.Expand(HashAlgorithmName.SHA256, HMACSHA256.HashData(streamKey, tag), stream, "backup name"u8);
        for (var i = 0; i < bytes.Length; i++)
            bytes[i] ^= stream[i];
    }
}
