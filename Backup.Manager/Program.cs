using Backup.Manager;
using Backup.Protocol;
using Backup.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
if (builder.Configuration.GetConnectionString("redis") is not { Length: > 0 } redis)
{
    Console.Error.WriteLine("The manager needs ConnectionStrings:redis, for example ConnectionStrings__redis=127.0.0.1:6379.");
    return 2;
}
builder.AddServiceDefaults();
builder.Services.AddWireJson().AddManager(redis);

var app = builder.Build();
app.UseFailureResponses("manager");
app.MapDefaultEndpoints();
app.MapCatalogue();
app.MapMembership();
await app.RunAsync();
return 0;
