using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Backup.Client;

/// <summary>What kind of thing a name in a folder stands for.</summary>
internal enum EntryKind
{
    File,
    Folder,
    Symlink,

    /// <summary>A FIFO, a socket or a device: nothing that has content to keep.</summary>
    Special,
}

/// <summary>What the file system says of one name, links not followed. Times in nanoseconds since 1970.</summary>
/// <param name="CtimeNs">When content or attributes last changed; nobody can set it. 0 where the platform has none.</param>
/// <param name="Inode">0 where the platform has none.</param>
/// <param name="Mode">The permission bits with setuid, setgid and sticky.</param>
/// <param name="What">"FIFO", "socket" and the like, for messages.</param>
internal readonly record struct FileStat(
    EntryKind Kind, long SizeBytes, long MtimeNs, long CtimeNs, ulong Inode, int Mode, string What)
{
    private const uint BasicFields = 0x7ff;
    private const int ResultBytes = 256;

    /// <summary>Whether content and attributes are those of the other: same size, times, inode.</summary>
    public bool IsSameAs(FileStat other) => Kind == other.Kind && SizeBytes == other.SizeBytes
        && MtimeNs == other.MtimeNs && CtimeNs == other.CtimeNs && Inode == other.Inode;

    /// <summary>Of a name in an open folder, the name as the file system spells it, closed with a zero byte. Zero, or the error.</summary>
    public static unsafe int Of(int folder, ReadOnlySpan<byte> nameAndZero, out FileStat stat)
    {
        var result = stackalloc byte[ResultBytes];
        stat = default;
        fixed (byte* name = nameAndZero)
        {
            if (Libc.Statx(folder, name, Libc.AtSymlinkNoFollow, BasicFields, result) != 0)
                return Marshal.GetLastPInvokeError();
        }
        stat = Read(new ReadOnlySpan<byte>(result, ResultBytes));
        return 0;
    }

    /// <summary>Of what is open. Zero, or the error.</summary>
    public static unsafe int Of(int fd, out FileStat stat)
    {
        var result = stackalloc byte[ResultBytes];
        var empty = stackalloc byte[1];
        stat = default;
        if (Libc.Statx(fd, empty, Libc.AtEmptyPath, BasicFields, result) != 0)
            return Marshal.GetLastPInvokeError();
        stat = Read(new ReadOnlySpan<byte>(result, ResultBytes));
        return 0;
    }

    /// <summary>The fields of <c>struct statx</c> that matter here, at their offsets, which are the same on every architecture.</summary>
    private static FileStat Read(ReadOnlySpan<byte> statx)
    {
        var mode = BinaryPrimitives.ReadUInt16LittleEndian(statx[28..]);
        var (kind, what) = (mode & 0xF000) switch
        {
            0x8000 => (EntryKind.File, "file"),
            0x4000 => (EntryKind.Folder, "folder"),
            0xA000 => (EntryKind.Symlink, "symlink"),
            0x1000 => (EntryKind.Special, "FIFO"),
            0xC000 => (EntryKind.Special, "socket"),
            0x6000 => (EntryKind.Special, "block device"),
            0x2000 => (EntryKind.Special, "character device"),
            _ => (EntryKind.Special, "special file"),
        };
        // Only a file's size is a size of content.
        var size = kind == EntryKind.File ? BinaryPrimitives.ReadInt64LittleEndian(statx[40..]) : 0;
        return new FileStat(kind, size, Nanoseconds(statx[112..]), Nanoseconds(statx[96..]),
            BinaryPrimitives.ReadUInt64LittleEndian(statx[32..]), mode & 0xFFF, what);
    }

    private static long Nanoseconds(ReadOnlySpan<byte> timestamp) => UnixTime.Nanoseconds(
        BinaryPrimitives.ReadInt64LittleEndian(timestamp), BinaryPrimitives.ReadUInt32LittleEndian(timestamp[8..]));
}
