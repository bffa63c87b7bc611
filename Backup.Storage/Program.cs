using Backup.Protocol;
using Backup.ServiceDefaults;
using Backup.Storage;
using Backup.Storage.Collection;
using Backup.Storage.Gateway;
using Backup.Storage.Membership;
using Backup.Storage.Packs;
using Backup.Storage.Primary;
using Backup.Storage.Reading;
using Backup.Storage.Replica;
using Backup.Storage.Segments;

if (args is ["salvage", ..])
    return await Backup.Storage.Salvage.SalvageCommand.RunAsync(args[1..], Console.Out, Console.Error, default);

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
await builder.AddStorageAsync();
var app = builder.Build();
app.UseFailureResponses(app.Services.GetRequiredService<Peers>().Self.Value);
app.MapDefaultEndpoints();
app.MapCatalogue();
app.MapGateway();
app.MapReplica();
app.MapCollection();
app.MapFiles();
app.Run();
return 0;
