namespace Backup.LocalHosting;

/// <summary>
/// An address a resource listens on. Its port is fixed when the application is described: nothing stands between
/// the process and its callers, as with <c>isProxied: false</c>.
/// </summary>
public sealed class EndpointReference
{
    internal EndpointReference(string name, string scheme, int port)
    {
        EndpointName = name;
        Scheme = scheme;
        Port = port;
    }

    public string EndpointName { get; }

    public string Scheme { get; }

    public int Port { get; }

    public string Host => "localhost";

    public string Url => $"{Scheme}://{Host}:{Port}";

    internal bool IsHttp => Scheme is "http" or "https";
}
