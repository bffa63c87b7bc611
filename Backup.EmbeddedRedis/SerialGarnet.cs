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
    private static readonly TimeSpan LogSizeLookedAtEvery = TimeSpan.FromSeconds(1);

    private readonly Lock gate;
    private readonly ITimer checkpoints;

    public SerialGarnet(EmbeddedRedisOptions options, ILoggerFactory loggers)
        : this(GarnetSettings.For(options, loggers.CreateLogger("Garnet")), loggers, new Lock())
    {
    }

    private SerialGarnet(GarnetServerOptions settings, ILoggerFactory loggers, Lock gate)
        : this(settings, loggers, gate, new SerialTcpServer(settings, gate))
    {
    }

    private SerialGarnet(GarnetServerOptions settings, ILoggerFactory loggers, Lock gate, SerialTcpServer connections)
        : base(settings, loggers, [connections])
    {
        this.gate = gate;
        connections.StepBetween(Store);
        checkpoints = TimeProvider.System.CreateTimer(_ => CheckpointWhenLong(), null, LogSizeLookedAtEvery, LogSizeLookedAtEvery);
    }

    /// <summary>Ends the server; what was answered is on disk already.</summary>
    public new void Dispose()
    {
        checkpoints.Dispose();
        base.Dispose();
    }

    /// <summary>
    /// Keeps the file bounded. Requests wait meanwhile, since a checkpoint that began in the middle of a script
    /// would hold half of it.
    /// </summary>
    private void CheckpointWhenLong()
    {
        if (storeWrapper.AofSize() <= GarnetSettings.AppendOnlyFileBytesMax)
            return;

        lock (gate)
            storeWrapper.TakeCheckpointAsync(background: false).GetAwaiter().GetResult();
    }
}

/// <summary>Garnet's TCP server, but for the sessions it makes.</summary>
internal sealed class SerialTcpServer(GarnetServerOptions settings, Lock gate)
    : GarnetServerTcp(settings.EndPoints[0], connectionLimit: new ConnectionLimit(settings.NetworkConnectionLimit)), ISessionProvider
{
    private ISessionProvider? sessions;
    private StoreApi? store;

    public MaxSizeSettings GetMaxSizeSettings => sessions!.GetMaxSizeSettings;

    public IMessageConsumer GetSession(WireFormat wireFormat, INetworkSender sender) =>
        new SerialSession(sessions!.GetSession(wireFormat, new CommittingSender(sender, store!)), gate);

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
