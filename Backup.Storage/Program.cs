using Backup.Protocol;
using Backup.ServiceDefaults;
using Backup.Storage;
using Backup.Storage.Collection;
using Backup.Storage.Copying;
using Backup.Storage.Gateway;
using Backup.Storage.Membership;
using Backup.Storage.Packs;
using Backup.Storage.Primary;
using Backup.Storage.Reading;
using Backup.Storage.Replica;
using Backup.Storage.Scrub;
using Microsoft.AspNetCore.Connections;

if (args is ["salvage", ..])
    return await Backup.Storage.Salvage.SalvageCommand.RunAsync(args[1..], Console.Out, Console.Error, default);

try
{
    var builder = WebApplication.CreateBuilder(args);
    builder.AddServiceDefaults();
    builder.AddStorage();
    var app = builder.Build();
    _ = app.Services.GetRequiredService<PackStore>();
    var node = app.Services.GetRequiredService<Peers>().Self.Value;
    app.UseFailureResponses(node, e => DiskFailure.Is(e) && e is not (BadHttpRequestException or ConnectionResetException or HttpIOException) ? DiskFailure.Of(e, node, "answering") : null);
    app.UseAccess();
    app.MapDefaultEndpoints();
    app.MapAccess();
    app.MapCatalogue();
    app.MapOperator();
    app.MapRebuild();
    app.MapGateway();
    app.MapReplica();
    app.MapCollection();
    app.MapCopying();
    app.MapScrub();
    app.MapInventory();
    app.MapFiles();
    await app.RunAsync();
    return 0;
}
catch (Exception e) when (StartFailure.Is(e))
{
    return StartFailure.Tell("The node", e);
}
