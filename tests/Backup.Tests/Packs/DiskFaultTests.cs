using Backup.Protocol;
using Backup.Storage.Packs;
using Microsoft.Extensions.Logging.Abstractions;
using static Backup.Tests.Packs.StoreFolder;

namespace Backup.Tests.Packs;

/// <summary>Disks that refuse: injected into a real process by strace, and real small and read-only file systems.</summary>
public sealed class DiskFaultTests : IDisposable
{
    private const int Bytes = 50_000;
    private readonly StoreFolder folder = new();
    private bool isMounted;

    public void Dispose()
    {
        if (isMounted)
            ChildProcess.Run("umount", "--lazy", folder.Path);
        folder.Dispose();
    }

    [SkippableFact]
    public async Task A_failed_fsync_refuses_the_batch_and_the_pack_is_left_for_good()
    {
        // strace counts by thread: the second fsync by which the committing thread syncs this pack fails.
        var lines = Traced(["batches", folder.Path, "3", $"{Bytes}"], folder.Pack(1), "fsync:error=EIO:when=2+");
        Assert.Equal(["open", "ok 0", "failed DiskFailed", "ok 2"], lines);
        Assert.Equal(2, folder.Packs().Length);

        await using var store = await folder.OpenAsync();
        await AssertHeldAsync(store, 0, Bytes);
        await AssertHeldAsync(store, 2, Bytes);
        Assert.Equal([0], store.Missing(Alice, [IdOf(1, Bytes)]));
        await StoreAsync(store, Chunk(5, Bytes));
        Assert.Equal(128 + 2 * (112 + Bytes), new FileInfo(folder.Pack(1)).Length);
    }

    [SkippableFact]
    public void A_failed_fsync_of_the_folder_refuses_the_batch()
    {
        var lines = Traced(["batches", folder.Path, "2", $"{Bytes}"], Path.Combine(folder.Path, "packs"), "fsync:error=EIO:when=1");
        Assert.Equal(["open", "failed DiskFailed", "ok 1"], lines);
    }

    [SkippableFact]
    public async Task A_failed_write_refuses_the_batch_and_the_pack_is_left()
    {
        var lines = Traced(["batches", folder.Path, "2", $"{Bytes}"], folder.Pack(1), "pwrite64:error=EIO:when=2");
        Assert.Equal(["open", "failed DiskFailed", "ok 1"], lines);
        await using var store = await folder.OpenAsync();
        await AssertHeldAsync(store, 1, Bytes);
        Assert.Equal([0], store.Missing(Alice, [IdOf(0, Bytes)]));
        Assert.Empty(store.Damage);
    }

    [SkippableFact]
    public async Task A_full_disk_at_a_write_is_a_full_node()
    {
        var lines = Traced(["batches", folder.Path, "2", $"{Bytes}"], folder.Pack(1), "pwrite64:error=ENOSPC:when=2");
        Assert.Equal(["open", "failed NodeFull", "ok 1"], lines);
        await using var store = await folder.OpenAsync();
        await AssertHeldAsync(store, 1, Bytes);
    }

    [SkippableFact]
    public async Task A_failed_read_is_named_and_its_record_counts_as_missing()
    {
        await using (var store = await folder.OpenAsync())
            await StoreAsync(store, Chunk(0, Bytes));
        var lines = Traced(["read", folder.Path, "0", $"{Bytes}"], folder.Pack(1), "pread64:error=EIO");
        Assert.Equal(["open", "failed DiskFailed", "failed Corrupt", "damage PackHeader", "damage Unreadable"], lines);
        await using (var store = await folder.OpenAsync())
        {
            Assert.Equal([0], store.Missing(Alice, [IdOf(0, Bytes)]));
            await StoreAsync(store, Chunk(0, Bytes));
            await AssertHeldAsync(store, 0, Bytes);
            Assert.DoesNotContain(store.Damage, damage => damage.IsLoss);
        }
    }

    [SkippableTheory, InlineData(0), InlineData(2 << 20)]
    public async Task A_full_disk_refuses_new_records_and_serves_the_old(int reserveBytes)
    {
        Mount("size=8m");
        var stored = new List<int>();
        await using (var store = await OpenAsync(reserveBytes))
        {
            var failure = await FailsAsync(async () =>
            {
                for (var seed = 0; seed < 1000; seed++)
                {
                    await StoreAsync(store, Chunk(seed, Bytes));
                    stored.Add(seed);
                }
            });
            Assert.Equal((FailureCode.NodeFull, "node-1"), (failure.Code, failure.Culprit));
            Assert.InRange(stored.Count, 60, 160);
            Assert.Equal(FailureCode.NodeFull, (await FailsAsync(() => StoreAsync(store, Chunk(5000, Bytes)))).Code);
            Assert.InRange(store.Space().FreeBytes, 0, Bytes + 10_000);
            Assert.True(new DriveInfo(folder.Path).AvailableFreeSpace >= reserveBytes - 1_000_000);
            await AssertHeldAsync(store, 0, Bytes);
        }
        if (reserveBytes == 0)
            return; // Without a reserve the index itself may have no room to be opened.
        await using (var store = await OpenAsync(reserveBytes))
        {
            foreach (var seed in stored)
                await AssertHeldAsync(store, seed, Bytes);
            Assert.DoesNotContain(store.Damage, damage => damage.IsLoss);
            // More room, and it goes on.
            ChildProcess.Run("mount", "-o", "remount,size=16m", folder.Path);
            await StoreAsync(store, Chunk(5000, Bytes));
        }
    }

    [SkippableFact]
    public async Task A_read_only_disk_is_refused_with_a_clear_failure()
    {
        Mount("size=8m");
        await using (var store = await folder.OpenAsync())
            await StoreAsync(store, Chunk(0, Bytes));
        Assert.True(ChildProcess.Run("mount", "-o", "remount,ro", folder.Path));
        var failure = await FailsAsync(() => folder.OpenAsync());
        Assert.Equal((FailureCode.DiskFailed, "node-1"), (failure.Code, failure.Culprit));
        Assert.Contains("cannot be written", failure.Message);
        Assert.True(ChildProcess.Run("mount", "-o", "remount,rw", folder.Path));
        await using (var store = await folder.OpenAsync())
            await AssertHeldAsync(store, 0, Bytes);
    }

    private Task<PackStore> OpenAsync(long reserveBytes) => PackStore.OpenAsync(
        new PackStoreOptions { Directory = folder.Path, NodeId = Node, ReserveBytes = reserveBytes, PackBytesMax = 1 << 20 },
        NullLogger.Instance, TimeProvider.System, default);

    private void Mount(string options)
    {
        Skip.If(!OperatingSystem.IsLinux() || Environment.UserName != "root", "Mounting a small file system takes root on Linux.");
        isMounted = ChildProcess.Run("mount", "-t", "tmpfs", "-o", options, "tmpfs", folder.Path);
        Skip.IfNot(isMounted, "This machine does not let a tmpfs be mounted.");
    }

    private static string[] Traced(string[] arguments, string path, string inject)
    {
        Skip.IfNot(System.IO.File.Exists("/usr/bin/strace"), "strace is not installed.");
        using var child = ChildProcess.PackWriter(arguments, "strace", "-f", "-o", "/dev/null", "-P", path, "-e", "trace=" + inject[..inject.IndexOf(':')], "-e", "inject=" + inject);
        return child.WaitForEnd();
    }
}
