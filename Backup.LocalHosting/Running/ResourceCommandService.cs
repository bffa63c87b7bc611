using Microsoft.Extensions.DependencyInjection;

namespace Backup.LocalHosting;

/// <summary>How a command went.</summary>
public sealed class ExecuteCommandResult
{
    public required bool Success { get; init; }

    public string? Message { get; init; }
}

/// <summary>Starts, stops and restarts single resources.</summary>
public sealed class ResourceCommandService(IServiceProvider services)
{
    /// <summary><c>stop</c> returns when the process has ended, <c>start</c> when it is on its way: wait for health.</summary>
    public async Task<ExecuteCommandResult> ExecuteCommandAsync(string resourceId, string commandName, CancellationToken cancellationToken = default)
    {
        if (services.GetRequiredService<Orchestrator>().Find(resourceId) is not { } runner)
            return new ExecuteCommandResult { Success = false, Message = $"Resource '{resourceId}' not found." };

        switch (commandName)
        {
            case "stop":
                await runner.StopAsync();
                break;
            case "start":
                await runner.StartAsync();
                break;
            case "restart":
                await runner.StopAsync();
                await runner.StartAsync();
                break;
            default:
                return new ExecuteCommandResult { Success = false, Message = $"Command '{commandName}' not available for resource '{resourceId}'." };
        }

        return new ExecuteCommandResult { Success = true };
    }
}
