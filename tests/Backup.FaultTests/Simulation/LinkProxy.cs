using System.Collections.Concurrent;
using System.Reflection;
using Backup.Protocol;

namespace Backup.FaultTests.Simulation;

/// <summary>One end's typed client of another: carries calls over a simulated link.</summary>
public class LinkProxy : DispatchProxy
{
    private static readonly MethodInfo CallOf = typeof(LinkProxy).GetMethod(nameof(CallAsync), BindingFlags.NonPublic | BindingFlags.Instance)!;
    private static readonly ConcurrentDictionary<Type, MethodInfo> Calls = new();

    private SimNetwork network = null!;
    private string from = "";
    private string to = "";
    private Func<bool> isAlive = null!;
    private Func<string, FailureException> unreachable = null!;

    internal void Set(SimNetwork links, string self, string other, Func<bool> alive, Func<string, FailureException> unreachableFailure) =>
        (network, from, to, isAlive, unreachable) = (links, self, other, alive, unreachableFailure);

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        var call = Calls.GetOrAdd(targetMethod!.ReturnType.GetGenericArguments() is [var result] ? result : typeof(bool), type => CallOf.MakeGenericMethod(type));
        return call.Invoke(this, [targetMethod, args]);
    }

    private async Task<T> CallAsync<T>(MethodInfo method, object?[] args)
    {
        // What a caller awaits must never be done already: code that only works when it is would be found nowhere else.
        await Task.Yield();
        await network.BeforeCallAsync();
        var fault = network.Draw(from, to);
        var content = await TakeBodyAsync(args);
        if (!isAlive())
            throw unreachable("the caller has crashed");
        if (fault == LinkFault.RequestLost)
            throw unreachable("the request was lost");
        if (fault == LinkFault.RequestCut)
        {
            if (content.Body is { Length: > 0 } whole)
                await ServeQuietlyAsync<T>(method, args, new BrokenOff(whole, whole.Length / 2));
            throw unreachable("the request was cut off");
        }
        if (content.Failure is { } broken)
        {
            await ServeQuietlyAsync<T>(method, args, new BrokenOff(content.Body!, content.Body!.Length));
            throw broken;
        }
        if (fault == LinkFault.Twice)
            await ServeQuietlyAsync<T>(method, args, Stream(content.Body));
        if (fault == LinkFault.Replayed)
            network.Late(() => ServeAsync<T>(method, args, Stream(content.Body)));
        var reply = await ServeAsync<T>(method, args, Stream(content.Body));
        if (!isAlive())
            throw unreachable("the caller has crashed");
        if (fault == LinkFault.ReplyLost)
            throw unreachable("the answer was lost");
        if (fault == LinkFault.ReplyCut)
            return reply is MemoryStream stream ? (T)(object)new BrokenOff(stream.ToArray(), (int)stream.Length * 2 / 3) : throw unreachable("the answer was cut off");
        return reply;
    }

    private static Stream? Stream(byte[]? body) => body is null ? null : new MemoryStream(body);

    private async Task<T> ServeAsync<T>(MethodInfo method, object?[] args, Stream? body)
    {
        if (network.Serves(to) is not { IsAlive: true } server)
            throw unreachable("nothing answers there");
        // Each request has a copy: the server reads the body to its end.
        var own = args.Select(arg => arg is HttpContent ? body : arg is CancellationToken ? CancellationToken.None : arg).ToArray();
        try
        {
            var reply = await server.ServeAsync<T>(method, own);
            return server.IsAlive ? reply : throw unreachable("it went away");
        }
        catch (FailureException) when (!server.IsAlive)
        {
            throw unreachable("it went away");
        }
    }

    /// <summary>For whom nobody waits.</summary>
    private async Task ServeQuietlyAsync<T>(MethodInfo method, object?[] args, Stream? body)
    {
        try
        {
            await ServeAsync<T>(method, args, body);
        }
        catch (FailureException)
        {
        }
    }

    /// <summary>The bytes of the request's body, as far as its sender gets with them.</summary>
    private static async Task<(byte[]? Body, Exception? Failure)> TakeBodyAsync(object?[] args)
    {
        if (args.OfType<HttpContent>().SingleOrDefault() is not { } content)
            return (null, null);
        using var bytes = new MemoryStream();
        try
        {
            await content.CopyToAsync(bytes);
            return (bytes.ToArray(), null);
        }
        catch (OperationCanceledException e)
        {
            return (bytes.ToArray(), e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return (bytes.ToArray(), new IOException("the sender's own source broke off", e));
        }
    }

    /// <summary>A stream that ends with the connection and not with its content.</summary>
    private sealed class BrokenOff(byte[] bytes, int at) : MemoryStream(bytes, 0, at)
    {
        public override int Read(byte[] buffer, int offset, int count) => Broken(base.Read(buffer, offset, count), count);

        public override int Read(Span<byte> buffer) => Broken(base.Read(buffer), buffer.Length);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => ValueTask.FromResult(Read(buffer.Span));

        private static int Broken(int read, int wanted) => read > 0 || wanted == 0 ? read : throw new IOException("the connection was reset");
    }
}
