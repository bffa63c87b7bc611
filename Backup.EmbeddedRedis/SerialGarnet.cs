using Garnet;
using Garnet.networking;
using Garnet.server;
using Microsoft.Extensions.Logging;

namespace Backup.EmbeddedRedis;

/// <summary>
/// Garnet with Redis's order of things: one request at a time, on disk before it is answered.
/// </summary>
/// <remarks>
/// Left to itself Garnet commits its append-only file in the middle of a Lua script, so that a crash can leave half
/// of the script's writes behind (its transaction mode locks keys, and marks nothing in the file). Redis never
/// does, and the manager's scripts depend on it. Here requests pass one gate, and the file is committed only
/// behind that gate, when an answer is about to leave: every commit, and every checkpoint, lies between two
/// requests, and what is recovered is the state after some request. Blocking commands (BLPOP and its like) would
/// hold the gate; nothing in this system uses them.
/// </remarks>
internal sealed class SerialGarnet : GarnetServer, IDisposable
{
    /// <summary>Often enough that neither the file nor the memory grows by much between two looks.</summary>
    private static readonly TimeSpan SizesLookedAtEvery = TimeSpan.FromSeconds(1);

    private readonly Lock gate;
    private ITimer? sizes;

    public SerialGarnet(EmbeddedRedisOptions options, ILoggerFactory loggers)
        : this(GarnetSettings.For(options, loggers.CreateLogger("Garnet")), loggers, new Lock(), e => FullDisk.BeginAnew(options.DataDirectory, loggers.CreateLogger(nameof(FullDisk)), e))
    {
    }

    private SerialGarnet(GarnetServerOptions settings, ILoggerFactory loggers, Lock gate, Action<Exception> failed)
        : this(settings, loggers, gate, new SerialTcpServer(settings, gate, failed))
    {
    }

    private SerialGarnet(GarnetServerOptions settings, ILoggerFactory loggers, Lock gate, SerialTcpServer connections)
        : base(settings, loggers, [connections])
    {
        this.gate = gate;
        connections.StepBetween(Store);
    }

    /// <summary>Recovers what the directory holds, and serves.</summary>
    /// <remarks>
    /// Sizes are looked at only afterwards: a checkpoint in the middle of the replay would hold what was replayed so far,
    /// have the rest passed over as too old, and cut it out of the file.
    /// </remarks>
    public new void Start()
    {
        base.Start();
        sizes = TimeProvider.System.CreateTimer(_ => LookAtSizes(), null, SizesLookedAtEvery, SizesLookedAtEvery);
    }

    /// <summary>Ends the server; what was answered is on disk already.</summary>
    public new void Dispose()
    {
        sizes?.Dispose();
        base.Dispose();
    }

    private void LookAtSizes()
    {
        EndWhenFull();
        CheckpointWhenLong();
    }

    /// <summary>
    /// Beyond its memory Garnet drops records without a word. To be gone is better: the manager refuses then, and
    /// what was answered is in the file, for a start with more memory.
    /// </summary>
    private void EndWhenFull()
    {
        var log = storeWrapper.store.Log;
        if (log.MemorySizeBytes + log.HeapSizeBytes < GarnetSettings.RecordBytesMax * 0.8)
            return;

        Console.Error.WriteLine($"The embedded Redis is full: {GarnetSettings.RecordBytesMax >> 20} MiB, half of this machine's memory, are taken. Use a real Redis (Cluster:Redis=external) or a larger machine.");
        Environment.Exit(3);
    }

    /// <summary>
    /// Keeps the file bounded. Requests wait meanwhile, since a checkpoint that began in the middle of a script would
    /// hold half of it.
    /// </summary>
    private void CheckpointWhenLong()
    {
        if (!IsLong())
            return;

        lock (gate)
        {
            // Another look at the sizes may have waited here for this one.
            if (IsLong())
                storeWrapper.TakeCheckpointAsync(background: false).GetAwaiter().GetResult();
        }

        bool IsLong() => storeWrapper.AofSize() > GarnetSettings.AppendOnlyFileBytesMax;
    }
}

/// <summary>Garnet's TCP server, but for the sessions it makes.</summary>
internal sealed class SerialTcpServer(GarnetServerOptions settings, Lock gate, Action<Exception> failed)
    : GarnetServerTcp(settings.EndPoints[0], tlsOptions: settings.TlsOptions, connectionLimit: new ConnectionLimit(settings.NetworkConnectionLimit)), ISessionProvider
{
    private ISessionProvider? sessions;
    private StoreApi? store;

    public MaxSizeSettings GetMaxSizeSettings => sessions!.GetMaxSizeSettings;

    public IMessageConsumer GetSession(WireFormat wireFormat, INetworkSender sender) =>
        new SerialSession(sessions!.GetSession(wireFormat, new CommittingSender(sender, store!, failed)), gate);

    /// <summary>Puts itself between the connections and Garnet's sessions; once, before the first connection.</summary>
    public void StepBetween(StoreApi garnetStore)
    {
        store = garnetStore;
        Unregister(WireFormat.ASCII, out sessions);
        Register(WireFormat.ASCII, this);
    }
}

/// <summary>A client's connection: what it sends is worked off behind the gate.</summary>
internal sealed unsafe class SerialSession(IMessageConsumer session, Lock gate) : IMessageConsumer
{
    public int TryConsumeMessages(byte* requests, int length)
    {
        lock (gate)
            return session.TryConsumeMessages(requests, length);
    }

    public void Dispose() => session.Dispose();
}
