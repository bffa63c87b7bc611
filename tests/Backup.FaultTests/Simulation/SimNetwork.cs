using System.Collections.Concurrent;
using System.Reflection;
using Backup.Protocol;

namespace Backup.FaultTests.Simulation;

/// <summary>What a link does to one call.</summary>
internal enum LinkFault
{
    None,

    /// <summary>The request never arrives.</summary>
    RequestLost,

    /// <summary>It is carried out, and nobody hears of it.</summary>
    ReplyLost,

    /// <summary>It arrives twice, one after the other.</summary>
    Twice,

    /// <summary>It arrives, and once more much later, after others.</summary>
    Replayed,

    /// <summary>The request breaks off in the middle.</summary>
    RequestCut,

    /// <summary>The answer breaks off in the middle.</summary>
    ReplyCut,
}

/// <summary>The links between all processes of a simulated cluster, each direction with faults of its own, drawn from the seed.</summary>
internal sealed class SimNetwork(int seed)
{
    private readonly ConcurrentDictionary<(string From, string To), Random> links = new();
    private readonly ConcurrentQueue<Func<Task>> late = new();

    /// <summary>Directions in which nothing arrives.</summary>
    public ConcurrentDictionary<(string From, string To), bool> Cut { get; } = new();

    /// <summary>How many calls in a hundred meet a fault.</summary>
    public int FaultsPerHundred { get; set; }

    public int FaultsSeen => faultsSeen;

    /// <summary>Something that happens between two calls.</summary>
    private (int Calls, Func<Task> Action)? armed;

    /// <summary>Has something happen before the call that comes after so many.</summary>
    public void AfterCalls(int calls, Func<Task>? action)
    {
        lock (links)
            armed = action is null ? null : (calls, action);
    }

    public Task BeforeCallAsync()
    {
        lock (links)
        {
            if (armed is not { } due)
                return Task.CompletedTask;
            armed = due.Calls > 1 ? (due.Calls - 1, due.Action) : null;
            return due.Calls > 1 ? Task.CompletedTask : due.Action();
        }
    }

    private int faultsSeen;

    /// <summary>Who serves an address; null while it is down.</summary>
    public required Func<string, ISimServer?> Serves { get; init; }

    /// <summary>A process's way to others.</summary>
    public Network Of(string from, Func<bool> isAlive) => new Way(this, from, isAlive);

    public LinkFault Draw(string from, string to)
    {
        if (Cut.ContainsKey((from, to)))
            return LinkFault.RequestLost;
        if (Cut.ContainsKey((to, from)))
            return LinkFault.ReplyLost;
        if (FaultsPerHundred == 0)
            return LinkFault.None;
        var random = links.GetOrAdd((from, to), link => new Random(HashCode(seed, link.From, link.To)));
        lock (random)
        {
            if (random.Next(100) >= FaultsPerHundred)
                return LinkFault.None;
            Interlocked.Increment(ref faultsSeen);
            return (LinkFault)random.Next(1, 7);
        }
    }

    public void Late(Func<Task> call) => late.Enqueue(call);

    /// <summary>Delivers what was held back, the last first.</summary>
    public async Task DeliverLateAsync()
    {
        var calls = new List<Func<Task>>();
        while (late.TryDequeue(out var call))
            calls.Add(call);
        calls.Reverse();
        foreach (var call in calls)
        {
            try
            {
                await call();
            }
            catch (FailureException)
            {
                // Nobody waits for the answer any more.
            }
        }
    }

    /// <summary>Not .NET's, which differs in each process.</summary>
    public static int HashCode(int seed, params string[] texts)
    {
        var hash = unchecked((uint)seed * 2654435761u);
        foreach (var letter in string.Join('>', texts))
            hash = unchecked((hash ^ letter) * 16777619u);
        return (int)(hash & int.MaxValue);
    }

    private sealed class Way(SimNetwork network, string from, Func<bool> isAlive) : Network
    {
        public override T Reach<T>(Uri address, string culprit, FailureCode unreachable = FailureCode.NodeUnreachable, TimeSpan? answerTime = null)
        {
            var proxy = DispatchProxy.Create<T, LinkProxy>();
            ((LinkProxy)(object)proxy).Set(network, from, address.Host, isAlive, why =>
                new Failure(unreachable, $"{culprit} cannot be reached: {why}.", culprit, "Another may answer meanwhile.").Exception());
            return proxy;
        }
    }
}

/// <summary>A process that can be called.</summary>
internal interface ISimServer
{
    /// <summary>False once it has crashed: what it says then nobody hears.</summary>
    bool IsAlive { get; }

    Task<T> ServeAsync<T>(MethodInfo method, object?[] args);
}
