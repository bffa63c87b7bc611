using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Backup.ServiceDefaults;

/// <summary>Kestrel's limits, set on purpose; a route that needs another says so.</summary>
internal static class KestrelDefaults
{
    /// <summary>
    /// What the transport reads ahead of the application, per connection, in bytes. With the default of 1 MiB a
    /// 1 GiB body came in at a third of the speed (docs: PinnedBlockPool); beyond 4 MiB nothing was gained.
    /// </summary>
    private const long RequestBufferBytesMax = 4 << 20;

    /// <summary>
    /// Bounds the memory of a flood: 256 connections reading ahead hold at most 1 GiB. A client opens a handful,
    /// the other nodes and the manager a few each.
    /// </summary>
    private const long ConnectionsMax = 256;

    /// <summary>
    /// Headers are small here: a token, an operation id, a trace. Kestrel's own 32 KiB and 100 headers are for
    /// browsers with cookies.
    /// </summary>
    private const int HeaderBytesMax = 16 << 10;
    private const int HeadersMax = 50;

    public static void AddKestrelDefaults(this IHostApplicationBuilder builder)
    {
        HandleReserve.Check();
        builder.Services.AddSingleton<IMemoryPoolFactory<byte>, PinnedBlockPoolFactory>();
        // Else it looks first whether there is something to receive: twice the system calls, to spare idle connections a block each.
        builder.Services.Configure<SocketTransportOptions>(sockets => sockets.WaitForDataBeforeAllocatingBuffer = false);
        builder.Services.Configure<KestrelServerOptions>(server =>
        {
            server.AddServerHeader = false;
            server.ConfigureEndpointDefaults(OfListener);
            var limits = server.Limits;
            limits.MaxConcurrentConnections = ConnectionsMax;
            limits.MaxRequestBufferSize = RequestBufferBytesMax;
            limits.MaxRequestHeadersTotalSize = HeaderBytesMax;
            limits.MaxRequestHeaderCount = HeadersMax;
            // A sender that stalls gives its place back: slower than 1 KiB/s over 10 s is no backup.
            limits.MinRequestBodyDataRate = new MinDataRate(bytesPerSecond: 1024, gracePeriod: TimeSpan.FromSeconds(10));
            // An average since the response began: who has read much may then read nothing for long. What sends files has a bound of its own.
            limits.MinResponseDataRate = new MinDataRate(bytesPerSecond: 1024, gracePeriod: TimeSpan.FromSeconds(10));
            limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        });
    }

    /// <summary>What holds for each address. Kestrel keeps one such action, the last it was given: whoever gives another calls this in it.</summary>
    public static void OfListener(ListenOptions listen)
    {
        // Nobody here needs HTTP/2, and its streams, opened and reset by the thousand, would pass by the bounds on connections.
        listen.Protocols = HttpProtocols.Http1;
        HandleReserve.Keep(listen);
    }
}
