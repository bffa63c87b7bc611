using System.Net;
using System.Net.Sockets;

namespace Backup.AppHost;

/// <summary>Whether the cluster's ports are free, found out before a process fails over one of them.</summary>
internal static class Ports
{
    /// <summary>Where free ports are looked for: below those the system gives to outgoing connections.</summary>
    private const int SearchFrom = 20000;
    private const int SearchTo = 32000;

    /// <summary>The base port as wanted, or a free one for 0.</summary>
    /// <param name="nodes">How many ports after it are needed.</param>
    public static int Choose(int wanted, int nodes, bool withRedis)
    {
        if (wanted > 0)
        {
            if (FirstTaken(wanted, nodes, withRedis) is { } taken)
                throw new BadSettingException($"Port {taken} is in use: stop what listens there, or choose others with --Cluster:BasePort=PORT.");
            return wanted;
        }

        // From a random place, so that two that look at the same time seldom find the same ports.
        for (var attempt = 0; attempt < 100; attempt++)
        {
            var candidate = Random.Shared.Next(SearchFrom, SearchTo);
            if (FirstTaken(candidate, nodes, withRedis) is null)
                return candidate;
        }

        throw new BadSettingException($"Found no {nodes + 2} free ports in a row between {SearchFrom} and {SearchTo}.");
    }

    private static int? FirstTaken(int basePort, int nodes, bool withRedis)
    {
        for (var port = withRedis ? basePort - 1 : basePort; port <= basePort + nodes; port++)
        {
            if (!IsFree(port, IPAddress.Loopback) || (Socket.OSSupportsIPv6 && !IsFree(port, IPAddress.IPv6Loopback)))
                return port;
        }

        return null;
    }

    private static bool IsFree(int port, IPAddress address)
    {
        try
        {
            using var listener = new TcpListener(address, port);
            listener.Start();
            return true;
        }
        catch (SocketException failure)
        {
            // A machine may have IPv6 and yet no ::1: nobody can be listening there either.
            return failure.SocketErrorCode == SocketError.AddressNotAvailable;
        }
    }
}
