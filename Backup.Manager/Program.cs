using Backup.Manager;
using Backup.Manager.Access;
using Backup.Protocol;
using Backup.ServiceDefaults;
using Backup.WebConsole;

try
{
    var builder = WebApplication.CreateBuilder(args);
    if (builder.Configuration.GetConnectionString("redis") is not { Length: > 0 } redis)
    {
        Console.Error.WriteLine("The manager needs ConnectionStrings:redis, for example ConnectionStrings__redis=127.0.0.1:6379.");
        return StartFailure.ExitCode;
    }
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
catch (Exception e) when (StartFailure.Is(e))
{
    return StartFailure.Tell("The manager", e);
}
