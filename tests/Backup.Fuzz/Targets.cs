using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Backup.Protocol;
using Backup.Storage.Packs;

namespace Backup.Fuzz;

/// <summary>
/// Everything that takes bytes from somebody else apart. Each may refuse, in the one way refusals have; whatever else it throws
/// is a finding, and so is memory or time without end.
/// </summary>
public static class Targets
{
    private static readonly ClientId Client = ClientId.Parse("00112233445566778899aabbccddeeff");
    private static readonly ClientCipher Cipher = new(Client, Secret.TryParse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", out var key) ? key : throw new InvalidOperationException());

    /// <summary>All types that stand in a request's or an answer's body.</summary>
    private static readonly JsonTypeInfo[] Bodies = [.. typeof(WireJson).GetProperties()
        .Where(property => typeof(JsonTypeInfo).IsAssignableFrom(property.PropertyType)).Select(property => (JsonTypeInfo)property.GetValue(WireJson.Default)!)
        .Where(type => type.Type.Namespace == typeof(WireJson).Namespace)];

    public static readonly IReadOnlyDictionary<string, Action<byte[]>> All = new Dictionary<string, Action<byte[]>>
    {
        ["frames"] = Frames,
        ["pack"] = Pack,
        ["path"] = Path,
        ["json"] = Json,
        ["manifest"] = bytes => Refusing(() => Manifest.Decode(bytes, "fuzz")),
        ["credentials"] = Credentials,
    };

    /// <summary>Something whole of each kind, to begin with.</summary>
    public static IEnumerable<byte[]> Seeds(string target)
    {
        var chunk = Record.Of(RecordKind.Chunk, Client, Encoding.UTF8.GetBytes(new string('x', 1000)));
        var head = new ManifestHead
        {
            Path = RootedPath.Parse("a/b"),
            Version = 1,
            Kind = VersionKind.File,
            TimeMs = 1,
            SizeBytes = 1000,
            Digest = chunk.Header.Id,
            Nodes = [NodeId.Parse("node-1")],
            Epoch = 1,
        };
        var manifest = new Manifest(head, [new ChunkRef(chunk.Header.Id, 1000)]).Encode();
        using var codec = new RecordCodec();
        byte[] records = [.. chunk.Bytes.Span, .. codec.Compress(Record.Of(RecordKind.Chunk, Client, new byte[5000])).Bytes.Span,
            .. Record.Of(RecordKind.List, Client, new byte[72]).Bytes.Span, .. Record.Of(RecordKind.Manifest, Client, manifest).Bytes.Span,
            .. Record.Of(Failure.NotFound("x"), Client).Bytes.Span];
        return target switch
        {
            "frames" or "pack" => [records],
            "manifest" => [manifest, Cipher.Seal(head) is var hidden ? new Manifest(hidden, []).Encode() : []],
            "path" => [.. new[] { "a/b", "../x", "a\\..\\b", "ä/\u202e", Cipher.Names.Seal(RootedPath.Parse("a/" + new string('y', 255))).Value }.Select(Encoding.UTF8.GetBytes)],
            "json" => [.. Bodies.Select((_, i) => (byte[])[(byte)i, .. "{\"files\":[{\"path\":\"a\",\"version\":1,\"kind\":\"File\"}],\"operation\":\"x\",\"nodes\":[\"n1\"]}"u8])],
            _ => [.. new[] { AccessToken.New(Client).Reveal(), "1.n1.n2.1700000000000." + new string('a', 32) + "." + new string('b', 64), Client.ToString() }.Select(Encoding.UTF8.GetBytes)],
        };
    }

    private static void Frames(byte[] bytes)
    {
        foreach (var cipher in new[] { null, Cipher })
        {
            var reader = new RecordReader(new MemoryStream(bytes), "fuzz");
            using var codec = new RecordCodec(cipher);
            while (true)
            {
                Record? record = null;
                if (!Refusing(() => record = reader.ReadAsync(default).AsTask().GetAwaiter().GetResult()) || record is null)
                    break;
                using (record)
                {
                    Refusing(() => codec.Open(record, "fuzz"));
                    if (record.Header.Kind == RecordKind.Manifest)
                        Refusing(() => Cipher.Open(Manifest.Decode(record.Payload.Span, "fuzz").Head, "fuzz"));
                    _ = record.DigestMatches() && record.ChecksumMatches();
                }
            }
        }
    }

    private static void Pack(byte[] bytes)
    {
        var path = System.IO.Path.Join(System.IO.Path.GetTempPath(), $"backup-fuzz-{Environment.ProcessId}.pack");
        File.WriteAllBytes(path, bytes);
        using var file = File.OpenHandle(path);
        long at = 0;
        foreach (var piece in new PackScanner(Disk.Real, file, bytes.Length, checkPayloads: true).From(0))
        {
            if (piece.Bytes <= 0 || piece.Offset != at)
                throw new InvalidOperationException($"A piece at {piece.Offset} of {piece.Bytes} bytes, and {at} is where the one before ended.");
            at += piece.Bytes;
        }
        if (at != bytes.Length)
            throw new InvalidOperationException($"{at} of {bytes.Length} bytes were walked over.");
    }

    private static void Path(byte[] bytes)
    {
        var text = Encoding.UTF8.GetString(bytes);
        if (!RootedPath.TryParse(text, null, out var path))
        {
            Refusing(() => RootedPath.Parse(text));
            return;
        }
        if (System.IO.Path.GetFullPath(System.IO.Path.Join("/root/of/files", path.Value)) is var full && !full.StartsWith("/root/of/files/", StringComparison.Ordinal))
            throw new InvalidOperationException($"'{path.Display}' leads to {full}.");
        if (path.Display.Any(char.IsControl))
            throw new InvalidOperationException("A path can drive a terminal.");
        if (Cipher.Names.TryOpen(path) is { } opened && Cipher.Names.Seal(opened) != path)
            throw new InvalidOperationException("Two encrypted names mean the same file.");
        RootedPath? hidden = null;
        if (Refusing(() => hidden = Cipher.Names.Seal(path)) && Cipher.Names.TryOpen(hidden!.Value) != path)
            throw new InvalidOperationException("A name does not come back.");
    }

    private static void Json(byte[] bytes)
    {
        if (bytes.Length == 0)
            return;
        try
        {
            Refusing(() => JsonSerializer.Deserialize(bytes.AsSpan(1), Bodies[bytes[0] % Bodies.Length]));
        }
        catch (JsonException)
        {
            // The other way to refuse: the server answers 400.
        }
    }

    private static void Credentials(byte[] bytes)
    {
        var text = Encoding.UTF8.GetString(bytes);
        _ = AccessToken.TryParse(text, out _);
        _ = Grant.TryParse(text, out _);
        _ = Secret.TryParse(text, out _);
        _ = ClientId.TryParse(text, null, out _) || NodeId.TryParse(text, null, out _) || ChunkId.TryParse(text, null, out _);
    }

    /// <returns>False when it was refused.</returns>
    private static bool Refusing(Action take)
    {
        try
        {
            take();
            return true;
        }
        catch (FailureException)
        {
            return false;
        }
    }

    private static bool Refusing<T>(Func<T> take) => Refusing(() => { _ = take(); });
}
