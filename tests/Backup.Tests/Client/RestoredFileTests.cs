using Backup.Client;

namespace Backup.Tests.Client;

public sealed class RestoredFileTests
{
    /// <summary>The system tells of what it could not write once only: to the sync that runs beside the writing, not to the last one.</summary>
    [SkippableFact]
    public async Task What_a_sync_ahead_could_not_write_is_told_at_the_end()
    {
        SmallDisk.SkipUnlessRoot();
        Skip.IfNot(File.Exists("/dev/loop-control") && File.Exists("/usr/sbin/mkfs.ext4"), "A file system in a file needs a loop device and mkfs.ext4.");
        using var folder = new TempFolder();
        var (disk, image, mounted) = (folder.Folder("disk"), folder.At("disk/image"), folder.Folder("mounted"));
        await SmallDisk.MountAsync(disk);
        try
        {
            // The file system believes in space that the disk beneath it does not have.
            using (var sparse = File.OpenHandle(image, FileMode.CreateNew, FileAccess.Write))
                RandomAccess.SetLength(sparse, 256 << 20);
            await SmallDisk.RunAsync("mkfs.ext4", "-q", "-O", "^has_journal", image);
            await SmallDisk.RunAsync("mount", "-o", "loop", image, mounted);
            try
            {
                SmallDisk.Fill(folder.At("disk/filler"));
                using var handle = File.OpenHandle(folder.At("mounted/file"), FileMode.CreateNew, FileAccess.Write);
                await using var file = new RestoredFile(handle);
                file.Write(new byte[RestoredFile.SyncBytes]);
                Assert.NotEqual(0, file.Sync());
                // With space again the system has nothing to complain about, though what was not written is gone.
                File.Delete(folder.At("disk/filler"));
                Assert.Equal(0, Libc.Sync(handle));
                Assert.NotEqual(0, file.Sync());
            }
            finally
            {
                await SmallDisk.UnmountAsync(mounted);
            }
        }
        finally
        {
            await SmallDisk.UnmountAsync(disk);
        }
    }
}
