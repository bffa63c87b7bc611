using System.Security.Cryptography;
using System.Text;
using Backup.Protocol;

namespace Backup.Tests.Protocol;

/// <summary>What an encrypting client makes of chunks, names and manifests: it opens with its key, in its place, unchanged, and not otherwise.</summary>
public sealed class SealingTests
{
    private static readonly ClientId Alice = ClientId.New();
    private static readonly Secret Key = Secret.New();

    private readonly ClientCipher cipher = new(Alice, Key);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100_000)]
    [InlineData(Limits.ChunkBytesMax)]
    public void A_chunk_comes_back_whether_it_compresses_or_not(int bytes)
    {
        foreach (var content in new[] { new byte[bytes], RandomNumberGenerator.GetBytes(bytes) })
        {
            using var codec = new RecordCodec(cipher);
            using var stored = codec.Compress(Named(content));
            Assert.True(stored.Header.IsSealed);
            Assert.True(stored.DigestMatches() && stored.ChecksumMatches());
            Assert.True(RecordHeader.TryRead(stored.Bytes.Span, out var header));
            Assert.Equal(stored.Header, header);
            Assert.Equal(content, codec.Open(stored, "test").ToArray());
        }
    }

    [Fact]
    public void The_same_content_has_the_same_id_at_one_client_and_another_one_elsewhere()
    {
        var content = Encoding.UTF8.GetBytes("what many have");
        Assert.Equal(cipher.IdOf(content), new ClientCipher(Alice, Key).IdOf(content));
        Assert.NotEqual(cipher.IdOf(content), new ClientCipher(ClientId.New(), Key).IdOf(content));
        Assert.NotEqual(cipher.IdOf(content), new ClientCipher(Alice, Secret.New()).IdOf(content));
        Assert.NotEqual(ChunkId.Of(content), cipher.IdOf(content));
    }

    [Fact]
    public void The_same_content_is_never_sealed_twice_alike()
    {
        using var codec = new RecordCodec(cipher);
        using var one = codec.Compress(Named("content"u8.ToArray()));
        using var two = codec.Compress(Named("content"u8.ToArray()));
        Assert.NotEqual(one.Header.Digest, two.Header.Digest);
    }

    /// <summary>Every byte of the header's bound fields and of the payload, with digest and checksums made to fit, as a node could.</summary>
    [Fact]
    public void A_node_cannot_change_a_byte_unseen()
    {
        using var codec = new RecordCodec(cipher);
        using var stored = codec.Compress(Named(RandomNumberGenerator.GetBytes(300)));
        for (var at = 0; at < stored.Payload.Length; at++)
        {
            using var forged = Forged(stored, stored.Header, payload => payload[at] ^= 1);
            Refused(codec, forged);
        }
        var id = stored.Header.Id;
        id.Write(new byte[32]);
        Span<byte> other = stackalloc byte[32];
        id.Write(other);
        other[0] ^= 1;
        Refused(codec, Forged(stored, stored.Header with { Id = new ChunkId(other) }, _ => { }));
        Refused(codec, Forged(stored, stored.Header with { Client = ClientId.New() }, _ => { }));
        Refused(codec, Forged(stored, stored.Header with { PlainBytes = 299 }, _ => { }));
        Refused(codec, Forged(stored, stored.Header with { Encoding = RecordEncoding.SealedZstd }, _ => { }));
    }

    [Fact]
    public void A_plain_chunk_is_not_taken_for_an_encrypted_one()
    {
        using var codec = new RecordCodec(cipher);
        Refused(codec, Record.Of(RecordKind.Chunk, Alice, "planted"u8));
    }

    [Fact]
    public void Without_the_key_it_says_so()
    {
        using var sealing = new RecordCodec(cipher);
        using var plain = new RecordCodec();
        using var stored = sealing.Compress(Named("content"u8.ToArray()));
        Assert.Equal(FailureCode.KeyNeeded, Assert.Throws<FailureException>(() => plain.Open(stored, "test")).Failure.Code);
    }

    /// <summary>Better no backup than one in the clear.</summary>
    [Fact]
    public void A_chunk_that_was_not_sealed_yet_is_never_sent()
    {
        using var named = Named("content"u8.ToArray());
        Assert.Throws<InvalidOperationException>(() => new RecordsContent([named]));
    }

    [Theory]
    [InlineData("a")]
    [InlineData("photos/2026/sunset.png")]
    [InlineData("ä/ 日本語/\U0001F600")]
    [InlineData("a~/b~c/-d")]
    public void A_name_comes_back_and_is_a_path_in_between(string text)
    {
        var path = RootedPath.Parse(text);
        var hidden = cipher.Names.Seal(path);
        Assert.Equal(hidden, new ClientCipher(Alice, Key).Names.Seal(path));
        Assert.Equal(path, new ClientCipher(Alice, Key).Names.TryOpen(hidden));
        Assert.Null(RootedPath.WhatIsWrong(hidden.Value));
        Assert.Null(new ClientCipher(Alice, Secret.New()).Names.TryOpen(hidden));
        Assert.DoesNotContain(text.Split('/')[^1], hidden.Value.Split('/').Where(part => part == text));
    }

    [Fact]
    public void The_longest_component_fits_in_pieces_that_lie_in_their_folder()
    {
        var path = RootedPath.Parse("folder/" + new string('x', RootedPath.ComponentBytesMax) + "/below");
        var hidden = cipher.Names.Seal(path);
        Assert.Equal(path, cipher.Names.TryOpen(hidden));
        Assert.StartsWith(cipher.Names.SealPrefix("folder"), hidden.Value, StringComparison.Ordinal);
        Assert.StartsWith(cipher.Names.SealPrefix("folder/" + new string('x', RootedPath.ComponentBytesMax)), hidden.Value, StringComparison.Ordinal);
        Assert.Contains("~/", hidden.Value);
        // Cut elsewhere it is no second name of the same file.
        var at = hidden.Value.IndexOf("~/", StringComparison.Ordinal);
        Assert.Null(cipher.Names.TryOpen(RootedPath.Parse(hidden.Value[..(at - 4)] + "~/" + hidden.Value[(at - 4)..at] + hidden.Value[(at + 2)..])));
    }

    [Fact]
    public void A_path_that_grows_too_long_is_named_and_refused()
    {
        var failure = Assert.Throws<FailureException>(() => cipher.Names.Seal(RootedPath.Parse(string.Join('/', Enumerable.Repeat("a", 1000))))).Failure;
        Assert.Equal(FailureCode.InvalidPath, failure.Code);
        Assert.Contains("too long once it is encrypted", failure.Message);
    }

    [Fact]
    public void A_part_cannot_be_moved_to_another_folder()
    {
        var one = cipher.Names.Seal(RootedPath.Parse("one/same")).Value.Split('/');
        var two = cipher.Names.Seal(RootedPath.Parse("two/same")).Value.Split('/');
        Assert.NotEqual(one[1], two[1]);
        Assert.Null(cipher.Names.TryOpen(RootedPath.Parse($"{one[0]}/{two[1]}")));
    }

    [Fact]
    public void Any_text_is_a_name_or_none()
    {
        var random = new Random(5);
        var hidden = cipher.Names.Seal(RootedPath.Parse("folder/name")).Value;
        for (var i = 0; i < 5_000; i++)
        {
            var text = new StringBuilder(hidden);
            for (var changes = random.Next(1, 4); changes > 0; changes--)
                text[random.Next(text.Length)] = "~/-_A=. \t+"[random.Next(10)];
            if (text.ToString() != hidden && RootedPath.TryParse(text.ToString(), null, out var path))
                Assert.Null(cipher.Names.TryOpen(path));
        }
    }

    [Fact]
    public void A_manifest_hides_its_names_and_shows_what_was_changed()
    {
        var head = new ManifestHead
        {
            Path = RootedPath.Parse("secret/name"),
            Version = 7,
            Kind = VersionKind.Symlink,
            TimeMs = 1,
            SizeBytes = 2,
            Digest = ChunkId.Of("x"u8),
            MtimeNs = 3,
            Mode = 4,
            LinkTarget = "../secret target",
            Nodes = [NodeId.Parse("node-1")],
            Epoch = 5,
        };
        var hidden = cipher.Seal(head);
        Assert.DoesNotContain("secret", Encoding.UTF8.GetString(new Manifest(hidden, []).Encode()));
        Assert.Equal(head with { Seal = hidden.Seal }, cipher.Open(hidden, "test"));
        // What a repair changes is no matter; sealing again gives the same, so that sending again is no other content.
        Assert.Equal(head.Path, cipher.Open(hidden with { Nodes = [NodeId.Parse("node-2")], Epoch = 9, TraceId = "t" }, "test").Path);
        Assert.True(hidden.HasContentOf(cipher.Seal(head)));
        var other = cipher.Seal(head with { Path = RootedPath.Parse("secret/other"), LinkTarget = "elsewhere" });
        foreach (var forged in new[]
        {
            hidden with { Version = 8 }, hidden with { Kind = VersionKind.File }, hidden with { TimeMs = 2 }, hidden with { SizeBytes = 3 },
            hidden with { Digest = ChunkId.Of("y"u8) }, hidden with { MtimeNs = 4 }, hidden with { Mode = 0b111_111_111 },
            hidden with { Path = other.Path }, hidden with { LinkTarget = other.LinkTarget }, hidden with { LinkTarget = null }, hidden with { Seal = null }, hidden with { Seal = other.Seal },
        })
            Assert.Equal(FailureCode.Corrupt, Assert.Throws<FailureException>(() => cipher.Open(forged, "test")).Failure.Code);
    }

    [Fact]
    public async Task Files_are_cut_at_other_places_than_without_the_key()
    {
        var content = RandomNumberGenerator.GetBytes(12 << 20);
        Assert.NotEqual(await LengthsAsync(content, null), await LengthsAsync(content, cipher));
        Assert.Equal(await LengthsAsync(content, cipher), await LengthsAsync(content, new ClientCipher(Alice, Key)));
    }

    private static async Task<List<int>> LengthsAsync(byte[] content, ClientCipher? cipher)
    {
        await using var chunks = new FileChunks(new MemoryStream(content), Alice, content.Length, cipher);
        var lengths = new List<int>();
        while (await chunks.NextAsync(default) is { } chunk)
        {
            lengths.Add(chunk.Header.PlainBytes);
            chunk.Dispose();
        }
        return lengths;
    }

    private Record Named(byte[] content)
    {
        var rented = Record.Rent(content.Length);
        content.CopyTo(rented, RecordHeader.LengthBytes);
        return Record.Name(rented, cipher, content.Length);
    }

    private static Record Forged(Record stored, RecordHeader header, Action<Span<byte>> change)
    {
        var rented = Record.Rent(stored.Payload.Length);
        var payload = rented.AsSpan(RecordHeader.LengthBytes, stored.Payload.Length);
        stored.Payload.Span.CopyTo(payload);
        change(payload);
        header = header with { Digest = ChunkId.Of(payload), PayloadChecksum = System.IO.Hashing.XxHash3.HashToUInt64(payload) };
        header.Write(rented);
        var forged = Record.Wrap(rented, header);
        Assert.True(forged.DigestMatches() && forged.ChecksumMatches());
        return forged;
    }

    private static void Refused(RecordCodec codec, Record record)
    {
        using (record)
            Assert.Equal(FailureCode.Corrupt, Assert.Throws<FailureException>(() => codec.Open(record, "test")).Failure.Code);
    }
}
