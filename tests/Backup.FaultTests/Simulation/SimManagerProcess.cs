using System.Reflection;
using Backup.Manager;
using Backup.Manager.Collection;
using Backup.Protocol;
using Backup.ServiceDefaults;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Backup.FaultTests.Simulation;

/// <summary>One manager: all its real classes, on the lane's Redis. It holds nothing, so another may take its place at any moment.</summary>
internal sealed class SimManagerProcess : ISimServer, IAsyncDisposable
{
    /// <summary>A pass over the few files of a run takes five.</summary>
    private const int StepsMax = 20;

    private readonly ServiceProvider services;
    private readonly Action<string> violation;

    public SimManagerProcess(Lane lane, SimClock clock, SimNetwork network, Action<string> violation, Action<string> note)
    {
        this.violation = violation;
        var all = new ServiceCollection();
        all.AddLogging(logging => logging.AddProvider(new HistoryLog(note)));
        all.AddSingleton<TimeProvider>(clock);
        all.AddSingleton<IConfiguration>(new ConfigurationBuilder().Build());
        all.AddManager(lane.Server.ConnectionString);
        all.AddSingleton(_ => network.Of("manager", () => true));
        // The lane's, and not disposed with this manager.
        all.AddSingleton(lane.Metadata);
        services = all.BuildServiceProvider();
    }

    public bool IsAlive => true;

    public IManager Manager => services.GetRequiredService<IManager>();

    public T Get<T>() where T : notnull => services.GetRequiredService<T>();

    /// <summary>The duties that matter to what is checked.</summary>
    public async Task WorkAsync()
    {
        Worker[] workers = [Get<RebuildWorker>(), Get<ReservationExpiry>(), Get<Watch>(), Get<Forgetter>(), Get<RepairWorker>()];
        foreach (var worker in workers)
        {
            try
            {
                for (var step = 0; step < StepsMax && await worker.StepAsync(default) == WorkerStep.Busy; step++)
                {
                }
            }
            catch (Exception e) when (e is FailureException or OperationCanceledException)
            {
                // The shell of a worker logs it and tries again later.
            }
            catch (Exception e)
            {
                violation($"I12: {worker.GetType().Name} threw {e.GetType().Name}: {e.Message} {e.StackTrace}");
            }
        }
    }

    public async Task<T> ServeAsync<T>(MethodInfo method, object?[] args)
    {
        try
        {
            return await (Task<T>)method.Invoke(Manager, args)!;
        }
        catch (Exception e) when (e is not FailureException)
        {
            violation($"I12: the manager threw {e.GetType().Name} in {method.Name}: {e.Message} {e.StackTrace}");
            throw new Failure(FailureCode.Internal, e.Message, "manager", "Look at the log.").Exception(e);
        }
    }

    public ValueTask DisposeAsync() => services.DisposeAsync();

    /// <summary>Puts what it warns of into the history.</summary>
    private sealed class HistoryLog(Action<string> note) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                note($"  manager: {formatter(state, exception)}");
        }

        public void Dispose()
        {
        }
    }
}
