using System.IO.Hashing;
using Backup.FaultTests.Disks;
using Backup.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Backup.FaultTests.Planted;

/// <summary>Acknowledges before anything is on the disk.</summary>
internal sealed class NeverSyncs(string directory, Random random) : FaultyDisk(directory, random)
{
    public override void Sync(SafeFileHandle file)
    {
    }
}

/// <summary>Leaves the names of new files to the kernel.</summary>
internal sealed class NeverSyncsDirectories(string directory, Random random) : FaultyDisk(directory, random)
{
    public override void SyncDirectory(string path)
    {
    }
}

/// <summary>Takes a failed sync for a success, as .NET's own calls do.</summary>
internal sealed class SwallowsSyncErrors(string directory, Random random) : FaultyDisk(directory, random)
{
    public override void Sync(SafeFileHandle file)
    {
        try
        {
            base.Sync(file);
        }
        catch (IOException) when (!HasCrashed)
        {
        }
    }
}

/// <summary>Tries a failed sync again, and believes the second answer.</summary>
internal sealed class RetriesSyncs(string directory, Random random) : FaultyDisk(directory, random)
{
    public override void Sync(SafeFileHandle file)
    {
        while (true)
        {
            try
            {
                base.Sync(file);
                return;
            }
            catch (IOException) when (!HasCrashed)
            {
            }
        }
    }
}

/// <summary>Makes whatever was read look as if its checksum were right: what a node serves that does not compare it.</summary>
internal sealed class NeverCompares(string directory, Random random) : FaultyDisk(directory, random)
{
    public override async ValueTask<int> ReadAsync(SafeFileHandle file, Memory<byte> to, long offset, CancellationToken ct)
    {
        var read = await base.ReadAsync(file, to, offset, ct);
        if (RecordHeader.TryRead(to.Span, out var header) && header.RecordBytes == read)
            (header with { PayloadChecksum = XxHash3.HashToUInt64(to.Span.Slice(RecordHeader.LengthBytes, header.StoredBytes)) }).Write(to.Span);
        return read;
    }
}
