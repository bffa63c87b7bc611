using Backup.Manager;
using Backup.Manager.Access;
using Backup.Protocol;
using Backup.ServiceDefaults;
using Backup.WebConsole;
using Microsoft.Extensions.Options;

var builder = WebApplication.CreateBuilder(args);
if (builder.Configuration.GetConnectionString("redis") is not { Length: > 0 } redis)
    return Refuse("The manager needs ConnectionStrings:redis, for example ConnectionStrings__redis=127.0.0.1:6379.");

try
{
    if (args is ["invite", ..])
    {
        TlsSetup.TrustAuthority(builder.Configuration);
        return await InviteCommand.RunAsync(args[1..], redis, Console.Out, Console.Error);
    }
    builder.AddServiceDefaults();
    builder.AddAccess(Grant.Manager);
    builder.Services.AddWireJson().AddManager(redis);
    builder.AddConsole();

    var app = builder.Build();
    app.UseFailureResponses("manager");
    app.UseAccess();
    app.MapDefaultEndpoints();
    app.MapAccess();
    app.MapCatalogue();
    app.MapRebuild();
    app.MapOperator();
    app.MapMembership();
    app.MapConsole();
    await app.RunAsync();
    return 0;
}
catch (Exception e) when (e is FailureException or OptionsValidationException or IOException or ArgumentException)
{
    // A wrong setting, a port in use: whoever started it needs the one line, not where in the code it was noticed.
    return Refuse($"The manager cannot start: {(e is FailureException f ? $"{f.Failure.Message} {f.Failure.Advice}" : e.Message)}");
}

static int Refuse(string why)
{
    Console.Error.WriteLine(why);
    return 2;
}
