using Backup.Protocol;
using Backup.WebConsole.SigningIn;
using Backup.WebConsole.Watching;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Authorization;

namespace Backup.WebConsole.Pages;

/// <summary>What every page has: who looks at it, the cluster as it is now, and one way in which failures are shown.</summary>
public abstract class ConsolePage : ComponentBase, IDisposable
{
    private readonly CancellationTokenSource left = new();
    private IDisposable? watching;

    [CascadingParameter]
    public Task<AuthenticationState> Authentication { get; set; } = null!;

    [Inject]
    public ClusterWatch Watch { get; set; } = null!;

    [Inject]
    public ICatalogue Catalogue { get; set; } = null!;

    [Inject]
    public SignIn SignIn { get; set; } = null!;

    protected Visitor Visitor { get; private set; } = null!;

    /// <summary>What went wrong last; shown until the next attempt.</summary>
    protected Failure? Problem { get; private set; }

    /// <summary>Cancelled when the page is left.</summary>
    protected CancellationToken Left => left.Token;

    protected ClusterPicture Cluster => Watch.Now;

    /// <summary>What happened, without what is about other clients, unless he looks after the cluster.</summary>
    protected IReadOnlyList<ClusterEvent> Events => Visitor is null or { IsOperator: true } ? Cluster.Events
        : [.. Cluster.Events.Where(e => e.Client is not { } client || client == Visitor.Client)];

    protected override async Task OnInitializedAsync()
    {
        Visitor = Visitor.Of((await Authentication).User) ?? throw new InvalidOperationException("A page was reached without signing in.");
        watching = Watch.Watch(() => _ = InvokeAsync(LookAgainAsync));
        await TryAsync(LoadAsync);
    }

    /// <summary>What the page asks for when it is opened.</summary>
    protected virtual Task LoadAsync() => Task.CompletedTask;

    /// <summary>What the page asks for anew when the cluster has been looked at.</summary>
    protected virtual Task ChangedAsync() => Task.CompletedTask;

    private async Task LookAgainAsync()
    {
        StateHasChanged();
        try
        {
            await ChangedAsync();
        }
        catch (Exception e) when (e is FailureException or OperationCanceledException or ObjectDisposedException)
        {
            // What is shown stays, and the next look may fare better.
        }
    }

    /// <summary>Does something that may fail; the failure is shown on the page.</summary>
    protected async Task TryAsync(Func<Task> work)
    {
        Problem = null;
        try
        {
            Visitor = await SignIn.AgainAsync(Visitor, left.Token);
            await work();
        }
        catch (FailureException e)
        {
            Problem = e.Failure;
        }
        catch (OperationCanceledException) when (left.IsCancellationRequested)
        {
            // Nobody sees it any more.
        }
        StateHasChanged();
    }

    protected static string Link(string page, params (string Name, object? Value)[] query)
    {
        var given = query.Where(part => part.Value is not null && !"".Equals(part.Value)).Select(part => $"{part.Name}={Uri.EscapeDataString($"{part.Value}")}").ToList();
        return $"{ConsoleSetup.Root}/{page}{(given.Count > 0 ? "?" + string.Join('&', given) : "")}";
    }

    public void Dispose()
    {
        watching?.Dispose();
        left.Cancel();
        left.Dispose();
        GC.SuppressFinalize(this);
    }
}
