using System.Diagnostics;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.DependencyInjection;

namespace Backup.ClusterTests;

/// <summary>
/// A whole cluster, as AppHost.cs describes it, run by the testing harness on free ports and a directory of its own.
/// It is ready when <see cref="StartAsync"/> returns.
/// </summary>
public sealed class RunningCluster : IAsyncDisposable
{
    /// <summary>A start takes about three seconds; the rest is for a busy machine.</summary>
    public static readonly TimeSpan PatienceMax = TimeSpan.FromMinutes(3);

    /// <summary>A stack of causes is some sixty lines.</summary>
    private const int CulpritLinesMax = 100;

    private const int OtherLinesMax = 20;

    private readonly bool ownsDirectory;
    private readonly string[] ownResources;

    private RunningCluster(DistributedApplication app, string dataDirectory, bool ownsDirectory, int nodes, string[] more)
    {
        ownResources = [.. more.Contains("--Cluster:Redis=external") ? [] : (string[])["redis"], "manager", .. more.Contains("--Cluster:Managers=2") ? (string[])["manager-2"] : []];
        App = app;
        DataDirectory = dataDirectory;
        this.ownsDirectory = ownsDirectory;
        Nodes = nodes;
    }

    public DistributedApplication App { get; }

    public string DataDirectory { get; }

    /// <summary>How many nodes it has; they are named node-1 and so on.</summary>
    public int Nodes { get; }

    /// <summary>Every resource that runs: redis where it is the cluster's own, the managers and the nodes.</summary>
    public IEnumerable<string> Resources => [.. ownResources, .. Enumerable.Range(1, Nodes).Select(number => $"node-{number}")];

    /// <param name="dataDirectory">Kept when it is given, else a temporary one that goes with the cluster.</param>
    /// <param name="nodes">Number of storage nodes.</param>
    /// <param name="more">Further arguments for the AppHost.</param>
    public static async Task<RunningCluster> StartAsync(string? dataDirectory = null, int nodes = 4, params string[] more)
    {
        var directory = dataDirectory ?? Directory.CreateTempSubdirectory("backup-cluster-").FullName;
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Backup_AppHost>(
            ["--Cluster:BasePort=0", $"--Cluster:DataDirectory={directory}", $"--Cluster:Nodes={nodes}", .. more]);
        var cluster = new RunningCluster(await builder.BuildAsync(), directory, dataDirectory is null, nodes, more);
        try
        {
            await cluster.App.StartAsync();
            await cluster.WaitUntilHealthyAsync([.. cluster.Resources]);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>The node's own address, as clients use it.</summary>
    public Uri NodeAddress(int number) => App.GetEndpoint($"node-{number}", "http");

    /// <summary>Stops a resource in an orderly way, as the dashboard's button does, and returns when it has ended.</summary>
    public async Task StopAsync(string resource)
    {
        await CommandAsync(resource, "stop");
        await WaitUntilEndedAsync(resource);
    }

    /// <summary>Starts a resource that has ended, and returns when it is ready.</summary>
    public async Task StartAgainAsync(string resource)
    {
        await CommandAsync(resource, "start");
        await WaitUntilHealthyAsync(resource);
    }

    /// <summary>Ends a resource with SIGKILL, as a crash would, and returns when it has ended.</summary>
    public async Task KillAsync(string resource)
    {
        using var process = Process.GetProcessById(await ProcessIdAsync(resource));
        process.Kill();
        await WaitUntilEndedAsync(resource);
    }

    private async Task CommandAsync(string resource, string command)
    {
        var result = await App.ResourceCommands.ExecuteCommandAsync(resource, command);
        if (!result.Success)
            throw new InvalidOperationException($"{resource} does not {command}: {result.Message}\n{await WhatBecameOfAsync(resource)}");
    }

    /// <summary>The process of a running resource.</summary>
    public async Task<int> ProcessIdAsync(string resource)
    {
        object? id = null;
        await WaitAsync("run", resource, patience => App.ResourceNotifications.WaitForResourceAsync(
            resource,
            change =>
            {
                id = change.Snapshot.Properties.FirstOrDefault(property => property.Name == "executable.pid")?.Value;
                return id is not null && change.Snapshot.State?.Text == KnownResourceStates.Running;
            },
            patience));
        return Convert.ToInt32(id, CultureInfo.InvariantCulture);
    }

    public async Task WaitUntilHealthyAsync(params string[] resources)
    {
        foreach (var resource in resources)
            await WaitAsync("become healthy", resource, patience => App.ResourceNotifications.WaitForResourceHealthyAsync(resource, patience));
    }

    public async ValueTask DisposeAsync()
    {
        await App.StopAsync();
        await App.DisposeAsync();
        if (ownsDirectory)
            Directory.Delete(DataDirectory, recursive: true);
    }

    private Task WaitUntilEndedAsync(string resource) =>
        WaitAsync("end", resource, patience => App.ResourceNotifications.WaitForResourceAsync(resource, KnownResourceStates.TerminalStates, patience));

    /// <summary>Waits for what a resource is to do, and says what became of it when it does not.</summary>
    private async Task WaitAsync(string what, string resource, Func<CancellationToken, Task> wait)
    {
        using var patience = new CancellationTokenSource(PatienceMax);
        try
        {
            await wait(patience.Token);
        }
        catch (Exception failure) when (failure is OperationCanceledException or DistributedApplicationException)
        {
            throw new InvalidOperationException($"{resource} did not {what}: {failure.Message}\n{await WhatBecameOfAsync(resource)}");
        }
    }

    /// <summary>The state of every process, and what they wrote last: of the one in question more than of the others.</summary>
    private async Task<string> WhatBecameOfAsync(string culprit)
    {
        var logs = App.Services.GetRequiredService<ResourceLoggerService>();
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"{new DriveInfo(DataDirectory).AvailableFreeSpace >> 20} MiB are free for {DataDirectory}");
        foreach (var resource in Resources.OrderBy(name => name != culprit))
        {
            var (state, exitCode) = await StateAsync(resource);
            text.AppendLine(CultureInfo.InvariantCulture, $"{resource} is {state}, exit code {exitCode?.ToString(CultureInfo.InvariantCulture) ?? "none"}");
            await foreach (var lines in logs.GetAllAsync(resource))
            {
                foreach (var line in lines.TakeLast(resource == culprit ? CulpritLinesMax : OtherLinesMax))
                    text.AppendLine(CultureInfo.InvariantCulture, $"{resource} | {line.Content}");
            }
        }

        return text.ToString();
    }

    private async Task<(string? State, int? ExitCode)> StateAsync(string resource)
    {
        // Whatever it is in, it is in it now.
        var now = await App.ResourceNotifications.WaitForResourceAsync(resource, _ => true, CancellationToken.None);
        return (now.Snapshot.State?.Text, now.Snapshot.ExitCode);
    }
}
