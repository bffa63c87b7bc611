using Backup.Protocol;
using Backup.ServiceDefaults;
using Backup.Storage.Packs;
using Backup.Storage.Reading;
using Backup.Storage.Scrub;
using Backup.Tests.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Backup.Tests.Manager;

/// <summary>As much of a node as tells what it holds: a real store behind the real route.</summary>
internal sealed class InventoryNode : IAsyncDisposable
{
    private readonly string directory;
    private readonly PackStore store;
    private readonly WebApplication app;

    private InventoryNode(NodeId id, PackStore store, WebApplication app, string directory) => (Id, this.store, this.app, this.directory) = (id, store, app, directory);

    public NodeId Id { get; }

    public Guid Incarnation => store.Incarnation;

    public Uri Address => new(app.Urls.First());

    public static async Task<InventoryNode> StartAsync(string id)
    {
        var directory = Directory.CreateTempSubdirectory("backup-inventory-").FullName;
        var store = await PackStore.OpenAsync(
            new PackStoreOptions { Directory = directory, NodeId = NodeId.Parse(id), ReserveBytes = 0 }, NullLogger.Instance, TimeProvider.System, default);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddWireJson().AddSingleton(store).AddSingleton<DamagedVersions>().AddSingleton<KeptMoments>().AddSingleton<NodeInventory>();
        builder.AddTestAccess(id);
        var app = builder.Build();
        app.UseFailureResponses(id);
        app.UseAccess();
        app.MapInventory();
        await app.StartAsync();
        return new InventoryNode(NodeId.Parse(id), store, app, directory);
    }

    /// <summary>Stores manifests as a segment's end would.</summary>
    public async Task StoreAsync(ClientId client, IEnumerable<Manifest> manifests)
    {
        using var batch = store.Begin(client);
        foreach (var manifest in manifests)
        {
            using var record = Record.Of(RecordKind.Manifest, client, manifest.Encode());
            await batch.AppendAsync(record, default);
        }
        await batch.CommitAsync(default);
    }

    public Task ForgetAsync(ClientId client, params long[] versions) => store.ForgetAsync(client, versions, default);

    public async ValueTask DisposeAsync()
    {
        await app.DisposeAsync();
        await store.DisposeAsync();
        Directory.Delete(directory, recursive: true);
    }
}
