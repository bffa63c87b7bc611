using Backup.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Backup.Storage.Packs;

/// <summary>
/// Brings the index up to the packs when a store is opened: replays what lies beyond each pack's watermark, or all packs
/// where the index is new. Packs are only ever read here: a torn tail stays where it is, and its pack is not appended to again.
/// </summary>
internal sealed partial class Recovery(PackStoreOptions options, NodeIdentity identity, PackIndex index, Func<Record, string, Manifest> openManifest, ILogger log)
{
    /// <summary>Rows gathered before they are sorted and inserted: sorted rows fill SQLite's pages in order, and this many take some 10 MB.</summary>
    private const int RowsAtOnce = 65_536;

    /// <summary>The same for manifests, whose paths may be long.</summary>
    private const int ManifestsAtOnce = 8_192;

    private readonly List<RecordLocation> records = [];
    private readonly List<(RecordLocation At, long Version, string Path)> manifests = [];
    private readonly List<Damage> damage = [];
    private readonly List<PackRow> packs = [];
    private HashSet<int> indexed = [];

    /// <summary>The last pack, where it may be appended to.</summary>
    public OpenPack? Resumed { get; private set; }

    /// <summary>The highest number ever given to a pack.</summary>
    public int LastNumber { get; private set; }

    public void Run(CancellationToken ct)
    {
        var known = index.Packs().ToDictionary(pack => pack.Number);
        indexed = [.. known.Keys];
        var files = PackFiles.List(options.Directory);
        LastNumber = files.Concat(known.Keys).DefaultIfEmpty(0).Max();

        // Compacted, and the process ended before the file was deleted. Replaying it would bring back what was forgotten since.
        var removed = files.Where(number => known.TryGetValue(number, out var pack) && pack.State == PackState.Removed).ToList();
        if (removed.Count > 0 && index.TrySettle())
            removed.ForEach(number => options.Disk.Delete(PackFiles.Pack(options.Directory, number)));
        files = [.. files.Except(removed)];

        // A row of length 0 stays behind a vanished pack, so that its number is not given to another.
        foreach (var missing in known.Values.Where(pack => pack.Length > 0).ExceptBy(files, pack => pack.Number))
        {
            LogVanished(missing.Number);
            Shrink(missing, 0);
        }
        var ahead = new HeadersAhead(options.Disk, options.Directory, [.. files.Except(known.Keys)]);
        foreach (var number in files)
        {
            if (!known.ContainsKey(number))
                ahead.Await(number);
            ct.ThrowIfCancellationRequested();
            Recover(number, known.TryGetValue(number, out var row) ? row : null, ct);
        }
        Flush();
    }

    private void Recover(int number, PackRow? known, CancellationToken ct)
    {
        // Reads that jump from header to header: the kernel's reading ahead would fetch a hundred times what is wanted.
        using var file = options.Disk.Open(PackFiles.Pack(options.Directory, number), FileMode.Open, FileAccess.Read, FileOptions.RandomAccess);
        var length = RandomAccess.GetLength(file);
        if (known is { } row && length < row.Watermark)
        {
            LogShrunk(number, row.Watermark, length);
            Shrink(row, length);
            return;
        }
        var standing = Look(number, file, length);
        if (standing == Standing.Unusable)
            index.Write(writer =>
            {
                if (known is not null)
                    writer.Vanish(number, 0);
                writer.SetPack(new PackRow(number, PackState.Retired, length, length));
            });
        else if (known is { State: PackState.Open } open && open.Watermark == length && standing == Standing.Intact && !IsSealed(number, file, length))
            Resume(number, length);
        else if (known is null || known.Value.Watermark < length)
            Replay(number, file, length, known, ct);
    }

    private void Shrink(PackRow known, long length) => index.Write(writer =>
    {
        writer.Vanish(known.Number, length);
        writer.AddDamage(new Damage(DamageKind.Vanished, known.Number, length, known.Watermark - length));
        writer.SetPack(new PackRow(known.Number, PackState.Retired, length, length));
    });

    private enum Standing
    {
        Intact,

        /// <summary>Its header is damaged; its records have headers of their own and are used.</summary>
        HeaderDamaged,

        Unusable,
    }

    /// <summary>Whether the pack is this node's.</summary>
    private Standing Look(int number, SafeFileHandle file, long length)
    {
        var bytes = new byte[PackHeader.LengthBytes];
        if (length < bytes.Length)
        {
            // The process ended between making the file and writing its header: no record was ever in it.
            damage.Add(new Damage(DamageKind.Unfinished, number, 0, length));
            return Standing.Unusable;
        }
        if (!TryRead(file, bytes, 0) || !PackHeader.TryRead(bytes, out var header, out var version))
        {
            LogHeaderDamaged(number);
            damage.Add(new Damage(DamageKind.PackHeader, number, 0, PackHeader.LengthBytes));
            return Standing.HeaderDamaged;
        }
        if (version > PackHeader.FormatVersion)
            throw NodeIdentity.Newer(PackFiles.Pack(options.Directory, number), version);
        if (header == new PackHeader(identity.NodeId, identity.Incarnation, number))
            return Standing.Intact;
        LogForeign(number, header.Node.Value, header.Number);
        damage.Add(new Damage(DamageKind.Foreign, number, 0, length));
        return Standing.Unusable;
    }

    private bool IsSealed(int number, SafeFileHandle file, long length)
    {
        var bytes = new byte[PackSeal.LengthBytes];
        var at = length - bytes.Length;
        return at >= PackHeader.LengthBytes && TryRead(file, bytes, at) && PackSeal.IsValid(bytes, number, at);
    }

    /// <summary>One place that the disk cannot read must not keep the whole node from starting.</summary>
    private bool TryRead(SafeFileHandle file, Span<byte> bytes, long offset)
    {
        try
        {
            return options.Disk.Read(file, bytes, offset) == bytes.Length;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Goes on with the last pack, which was left in order, so that each start does not leave a small one behind.</summary>
    private void Resume(int number, long length)
    {
        if (number != LastNumber || length >= options.PackBytesMax)
            return;
        var file = options.Disk.Open(PackFiles.Pack(options.Directory, number), FileMode.Open, FileAccess.Write);
        Resumed = new OpenPack(options.Disk, number, file, length);
    }

    private void Replay(int number, SafeFileHandle file, long length, PackRow? known, CancellationToken ct)
    {
        var isSealed = IsSealed(number, file, length);
        var end = isSealed ? length - PackSeal.LengthBytes : length;
        var from = known is { } row ? Math.Max(row.Watermark, PackHeader.LengthBytes) : PackHeader.LengthBytes;
        if (!TrySync(file, number, from, length, isSealed))
            return;

        // Only of a pack the index knew as open is it known that nothing beyond the watermark was acknowledged.
        var isUnacknowledged = known is { State: PackState.Open };
        var tail = isUnacknowledged && !isSealed ? new HashSet<RecordKey>() : null;
        var scanner = new PackScanner(options.Disk, file, end, checkPayloads: !isSealed);
        var (lastWhole, damaged) = (from, 0);
        foreach (var piece in scanner.From(from))
        {
            ct.ThrowIfCancellationRequested();
            if (piece.IsWhole && TryTake(number, piece, tail))
                lastWhole = piece.Offset + piece.Bytes;
            else
            {
                damage.Add(DamageOf(number, piece, (tail is not null && piece.IsWhole) || (!isSealed && IsUnfinished(file, piece, end, isUnacknowledged))));
                damaged++;
            }
            if (IsFull)
                Note(new PackRow(number, isUnacknowledged ? PackState.Open : PackState.Retired, length, piece.Offset + piece.Bytes));
        }
        Note(new PackRow(number, isSealed ? PackState.Sealed : PackState.Retired, length, length));
        LogReplayed(number, from, lastWhole, length, damaged);
    }

    /// <summary>
    /// What a killed process wrote may be in the kernel's memory only, or, after a failed fsync, there and never on the disk.
    /// What cannot be made durable must not be indexed: an answer that it is held would be believed. Of the second kind a new sync says
    /// nothing, so the cache is dropped, and what is read then is the disk's.
    /// </summary>
    private bool TrySync(SafeFileHandle file, int number, long from, long length, bool isSealed)
    {
        try
        {
            options.Disk.Sync(file);
            // What stands before a seal was synced before it, and its headers have just been read ahead.
            if (!isSealed)
                options.Disk.ForgetCached(file);
            return true;
        }
        catch (IOException e)
        {
            LogSyncFailed(number, e.Message);
            damage.Add(new Damage(DamageKind.Unreadable, number, from, length - from));
            Note(new PackRow(number, PackState.Retired, length, from));
            return false;
        }
    }

    /// <summary>
    /// Whether a piece that is no whole record looks like a write that a crash cut short: the file ends inside it, or its last
    /// byte was never written and so reads as zero. A record whose bytes are all there and wrong was damaged after it was written.
    /// </summary>
    private bool IsUnfinished(SafeFileHandle file, in Piece piece, long end, bool isUnacknowledged)
    {
        var isLast = piece.Offset + piece.Bytes >= end;
        if (isLast && piece.Bytes < (piece.Header?.RecordBytes ?? RecordHeader.LengthBytes))
            return true;
        var last = new byte[1];
        var isBlank = TryRead(file, last, piece.Offset + piece.Bytes - 1) && last[0] == 0;
        return isBlank && (isUnacknowledged || (isLast && piece.Header is null));
    }

    private static Damage DamageOf(int number, in Piece piece, bool isUnfinished)
    {
        RecordKey? key = piece.Header is { } header ? RecordKey.Of(header) : null;
        var kind = isUnfinished ? DamageKind.Unfinished : key is null ? DamageKind.Bytes : DamageKind.Payload;
        return new Damage(kind, number, piece.Offset, piece.Bytes, key);
    }

    /// <param name="tail">
    /// What was taken so far of a tail that, as far as the index tells, was never acknowledged; else null. There the kernel may have written a manifest and
    /// not yet what it names: such a one counts as never stored.
    /// </param>
    private bool TryTake(int number, in Piece piece, HashSet<RecordKey>? tail)
    {
        var header = piece.Header!.Value;
        var location = new RecordLocation(RecordKey.Of(header), number, piece.Offset, header.StoredBytes);
        if (header.Kind == RecordKind.Manifest)
        {
            try
            {
                var rented = Record.Rent(header.StoredBytes);
                header.Write(rented);
                piece.Payload.CopyTo(rented.AsMemory(RecordHeader.LengthBytes));
                using var record = Record.Wrap(rented, header);
                var manifest = openManifest(record, identity.NodeId.Value);
                var kind = manifest.Head.HasLists ? RecordKind.List : RecordKind.Chunk;
                if (tail is not null && manifest.Refs.Any(part => !IsHeld(new RecordKey(header.Client, kind, part.Id), tail)))
                    return false;
                manifests.Add((location, manifest.Head.Version, manifest.Head.Path.Value));
            }
            catch (FailureException)
            {
                return false;
            }
        }
        if (header.Kind == RecordKind.Forget)
        {
            if (ForgottenVersions.TryRead(piece.Payload.Span) is not { } versions)
                return false;
            // It counts for what lies before it and not for what follows.
            Flush();
            index.Write(writer => writer.Forget(location, versions));
            return true;
        }
        if (header.Kind != RecordKind.Manifest)
            records.Add(location);
        tail?.Add(location.Key);
        return true;
    }

    private bool IsHeld(in RecordKey key, HashSet<RecordKey> tail)
    {
        if (tail.Contains(key))
            return true;
        // What was gathered of the packs before is not in the index yet.
        Flush();
        return index.Find(key).IsHeld;
    }

    private bool IsFull => records.Count + damage.Count >= RowsAtOnce || manifests.Count >= ManifestsAtOnce;

    /// <summary>
    /// Notes how a pack stands, and writes once enough has gathered: of many packs with few records each the rows still go
    /// into the index sorted and together. A crash before that replays those packs again.
    /// </summary>
    private void Note(PackRow pack)
    {
        // Of a pack that is new to the index the file's own time says when it was written.
        if (!indexed.Contains(pack.Number))
            pack = pack with { VerifiedMs = new DateTimeOffset(File.GetLastWriteTimeUtc(PackFiles.Pack(options.Directory, pack.Number))).ToUnixTimeMilliseconds() };
        packs.Add(pack);
        if (IsFull)
            Flush();
    }

    private void Flush()
    {
        records.Sort((left, right) => Order(left.Key, right.Key));
        index.Write(writer =>
        {
            records.ForEach(record => writer.AddRecord(record));
            manifests.ForEach(manifest => writer.AddManifest(manifest.At, manifest.Version, manifest.Path));
            damage.ForEach(writer.AddDamage);
            packs.ForEach(pack => writer.SetPack(pack));
        });
        records.Clear();
        manifests.Clear();
        damage.Clear();
        packs.Clear();
    }

    private static int Order(in RecordKey left, in RecordKey right)
    {
        var client = left.Client.Value.CompareTo(right.Client.Value);
        var kind = client != 0 ? client : left.Kind.CompareTo(right.Kind);
        var (leftId, rightId) = (left.Id, right.Id);
        return kind != 0 ? kind : ((ReadOnlySpan<byte>)leftId).SequenceCompareTo(rightId);
    }

    [LoggerMessage(LogLevel.Information, "Pack {Pack} was replayed from byte {From}: whole up to {LastWhole} of {Length}, {Damaged} pieces that are no whole record")]
    private partial void LogReplayed(int pack, long from, long lastWhole, long length, int damaged);

    [LoggerMessage(LogLevel.Critical, "fsync of pack {Pack} failed while it was recovered ({Error}); what was not indexed of it is not used")]
    private partial void LogSyncFailed(int pack, string error);

    [LoggerMessage(LogLevel.Error, "Pack {Pack} has vanished")]
    private partial void LogVanished(int pack);

    [LoggerMessage(LogLevel.Error, "Pack {Pack} was indexed up to byte {Watermark} and has only {Length}")]
    private partial void LogShrunk(int pack, long watermark, long length);

    [LoggerMessage(LogLevel.Error, "The header of pack {Pack} is damaged; its records are used")]
    private partial void LogHeaderDamaged(int pack);

    [LoggerMessage(LogLevel.Error, "Pack {Pack} is not used: it is pack {Number} of node {Node}, or of another incarnation")]
    private partial void LogForeign(int pack, string node, int number);
}
