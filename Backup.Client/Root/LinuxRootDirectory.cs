using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Backup.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Backup.Client;

/// <summary>The root on Linux: everything is reached by <see cref="FolderWalk"/> from the root, which stays open.</summary>
internal sealed unsafe class LinuxRootDirectory : RootDirectory
{
    /// <summary>One getdents call fills at most this much: a few hundred names.</summary>
    private const int NamesBytes = 64 << 10;
    private const int LinkBytesMax = 4096;

    private static readonly nint GetDents = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 61 : 217;
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    private readonly SafeFileHandle root;

    public LinuxRootDirectory(string fullPath) : base(fullPath)
    {
        // The root itself may be reached through links: it is the person's own word for where the root is.
        var fd = Libc.OpenAt(Libc.AtCurrentFolder, fullPath, Libc.ReadOnly | Libc.Directory);
        if (fd < 0)
            throw SourceFailures.NoRoot(fullPath, Libc.LastText()).Exception();
        root = new SafeFileHandle(fd, ownsHandle: true);
    }

    public override void Dispose() => root.Dispose();

    public override List<FolderEntry> Read(string folder)
    {
        var fd = FolderWalk.Open(root, folder, out var error);
        if (fd < 0)
            throw SourceFailures.Unreadable(folder.Length == 0 ? FullPath : folder, Libc.Text(error)).Exception();
        var names = ArrayPool<byte>.Shared.Rent(NamesBytes);
        try
        {
            var entries = new List<FolderEntry>();
            fixed (byte* buffer = names)
            {
                nint filled;
                while ((filled = Libc.Syscall(GetDents, fd, buffer, NamesBytes)) > 0)
                    AddEntries(fd, folder, new ReadOnlySpan<byte>(buffer, (int)filled), entries);
                if (filled < 0)
                    throw SourceFailures.Unreadable(folder, Libc.LastText()).Exception();
            }
            return entries;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(names);
            _ = Libc.Close(fd);
        }
    }

    /// <summary>Each is <c>struct linux_dirent64</c>: inode, offset, length, type, name with its zero byte.</summary>
    private static void AddEntries(int fd, string folder, ReadOnlySpan<byte> records, List<FolderEntry> entries)
    {
        while (records.Length > 0)
        {
            var length = BinaryPrimitives.ReadUInt16LittleEndian(records[16..]);
            var nameAndZero = records[19..length];
            nameAndZero = nameAndZero[..(nameAndZero.IndexOf((byte)0) + 1)];
            records = records[length..];
            var bytes = nameAndZero[..^1];
            if (bytes.SequenceEqual("."u8) || bytes.SequenceEqual(".."u8))
                continue;
            var at = folder.Length == 0 ? "" : folder + "/";
            if (!System.Text.Unicode.Utf8.IsValid(bytes))
            {
                var shown = Readable(bytes);
                entries.Add(new FolderEntry(shown, default, SourceFailures.BadName(at + shown, "it is not valid UTF-8")));
                continue;
            }
            var name = Strict.GetString(bytes);
            var error = FileStat.Of(fd, nameAndZero, out var stat);
            if (error == 0)
                entries.Add(new FolderEntry(name, stat, null));
            else if (error != Libc.NoEntry)
                entries.Add(new FolderEntry(name, default, SourceFailures.Unreadable(at + name, Libc.Text(error))));
        }
    }

    public override FileStat? Stat(RootedPath path)
    {
        var fd = FolderWalk.OpenParent(root, path.Value, out var name, out var error);
        if (fd >= 0)
        {
            error = FileStat.Of(fd, Encoding.UTF8.GetBytes(name + '\0'), out var stat);
            _ = Libc.Close(fd);
            if (error == 0)
                return stat;
        }
        return error is Libc.NoEntry or Libc.NotDirectory or Libc.Loop or Libc.NameTooLong ? null
            : throw SourceFailures.Unreadable(path.Value, Libc.Text(error)).Exception();
    }

    public override string ReadLink(RootedPath path)
    {
        var fd = FolderWalk.OpenParent(root, path.Value, out var name, out var error);
        if (fd < 0)
            throw SourceFailures.Unreadable(path.Value, Why(error)).Exception();
        var target = stackalloc byte[LinkBytesMax];
        var length = Libc.ReadLinkAt(fd, name, target, LinkBytesMax);
        error = Marshal.GetLastPInvokeError();
        _ = Libc.Close(fd);
        if (length < 0)
            throw SourceFailures.Unreadable(path.Value, Why(error)).Exception();
        var bytes = new ReadOnlySpan<byte>(target, (int)length);
        return System.Text.Unicode.Utf8.IsValid(bytes) ? Strict.GetString(bytes)
            : throw SourceFailures.Unreadable(path.Value, $"it points to '{Readable(bytes)}', which is not valid UTF-8").Exception();
    }

    public override Stream OpenFile(RootedPath path, FileStat expected, Action changed)
    {
        var folder = FolderWalk.OpenParent(root, path.Value, out var name, out var error);
        if (folder < 0)
            throw new IOException(Why(error));
        // Non-blocking, because a file swapped for a FIFO would otherwise wait for a writer.
        var fd = Libc.OpenAt(folder, name, Libc.ReadOnly | Libc.NoFollow | Libc.NonBlocking);
        error = Marshal.GetLastPInvokeError();
        _ = Libc.Close(folder);
        if (fd < 0)
            throw new IOException(Why(error));
        var handle = new SafeFileHandle(fd, ownsHandle: true);
        error = FileStat.Of(fd, out var stat);
        if (error != 0 || stat.Kind != EntryKind.File)
        {
            handle.Dispose();
            throw new IOException(error != 0 ? Why(error) : $"it has become a {stat.What}");
        }
        if (!stat.IsSameAs(expected))
            changed();
        return new SourceStream(handle, stat, changed);
    }

    private static string Why(int error) => error switch
    {
        Libc.NoEntry => "it vanished",
        Libc.NotDirectory or Libc.Loop => "it, or a folder on its way, has become a symlink",
        _ => Libc.Text(error),
    };

    private static string Readable(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder();
        foreach (var b in bytes)
            text.Append(b is >= 0x20 and < 0x7f ? ((char)b).ToString() : $"\\x{b:x2}");
        return text.ToString();
    }
}
