using System.Net;
using System.Net.Sockets;

namespace Backup.ClusterTests.Hosting;

/// <summary>
/// Ports in a row that nobody uses now, and that the system gives to no outgoing connection meanwhile: those begin at 32768, and
/// the AppHost looks for free ones from 20000 on.
/// </summary>
public static class FreePorts
{
    public static int[] InARow(int count)
    {
        while (true)
        {
            int[] ports = [.. Enumerable.Range(Random.Shared.Next(12_000, 19_000), count)];
            if (ports.All(IsFree))
                return ports;
        }
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
