namespace Backup.Protocol;

/// <summary>
/// The catalogue as an encrypting client sees it: plain names on its side, encrypted ones on the cluster's. Pages come in the
/// order of the encrypted names, which is none that a person knows.
/// </summary>
/// <param name="unreadable">Is told of names that were not made with the key. They are left out.</param>
public sealed class SealingNode(INode node, ClientCipher cipher, Action<string>? unreadable) : PassingNode(node)
{
    public override Task<PlaceReply> PlaceAsync(ClientId client, PlaceRequest request, CancellationToken ct) =>
        Node.PlaceAsync(client, request with { Files = [.. request.Files.Select(file => file with { Path = Seal(file.Path) })] }, ct);

    public override async Task<CommitReply> CommitAsync(ClientId client, CommitRequest request, CancellationToken ct)
    {
        var reply = await Node.CommitAsync(client, request with { Files = [.. request.Files.Select(file => file with { Path = Seal(file.Path) })] }, ct);
        return new CommitReply([.. reply.Receipts.Zip(request.Files, (receipt, file) => receipt with { Path = file.Path })]);
    }

    public override async Task<ListReply> ListAsync(ClientId client, ListRequest request, CancellationToken ct)
    {
        // What the cluster can look for are whole folders; the rest of a prefix is compared here.
        var slash = request.Prefix.LastIndexOf('/');
        // The cluster's own Next is passed on as it came.
        var hidden = request with { Prefix = cipher.Names.SealPrefix(slash < 0 ? "" : request.Prefix[..slash]) };
        var reply = await Node.ListAsync(client, hidden, ct);
        return reply with { Files = [.. reply.Files.Select(Open).OfType<FileVersion>().Where(file => file.Path.Value.StartsWith(request.Prefix, StringComparison.Ordinal))] };
    }

    public override async Task<LookupReply> LookupAsync(ClientId client, LookupRequest request, CancellationToken ct)
    {
        var reply = await Node.LookupAsync(client, request with { Paths = [.. request.Paths.Select(Seal)] }, ct);
        return reply with { Files = [.. reply.Files.Zip(request.Paths, (file, path) => file is null ? null : file with { Path = path })] };
    }

    public override async Task<VersionsReply> VersionsAsync(ClientId client, VersionsRequest request, CancellationToken ct)
    {
        var reply = await Node.VersionsAsync(client, new VersionsRequest(Seal(request.Path)), ct);
        return new VersionsReply([.. reply.Versions.Select(version => version with { Path = request.Path })]);
    }

    /// <summary>Why a run failed may name a file.</summary>
    public override Task<ClientStanding> ReportRunAsync(ClientId client, RunReport report, CancellationToken ct) =>
        Node.ReportRunAsync(client, report.Message is null ? report : report with { Message = "What happened stands on the client's machine: it encrypts." }, ct);

    private RootedPath Seal(RootedPath path) => cipher.Names.Seal(path);

    private FileVersion? Open(FileVersion file)
    {
        if (file.Path == EncryptedClients.KeyPath)
            return null;
        if (cipher.Names.TryOpen(file.Path) is { } path)
            return file with { Path = path };
        unreadable?.Invoke(file.Path.Display);
        return null;
    }
}

/// <summary>The catalogue as a client sees it that has no key: refused where the client encrypts.</summary>
public sealed class PlainNode(INode node, EncryptedClients encrypted) : PassingNode(node)
{
    public override Task<PlaceReply> PlaceAsync(ClientId client, PlaceRequest request, CancellationToken ct) =>
        request.Files.Any(file => file.Path == EncryptedClients.KeyPath)
            ? throw Failure.InvalidPath(EncryptedClients.KeyPath.Value, "a client's key is kept under it").Exception()
            : AskAsync(client, () => Node.PlaceAsync(client, request, ct), ct);

    public override Task<CommitReply> CommitAsync(ClientId client, CommitRequest request, CancellationToken ct) => AskAsync(client, () => Node.CommitAsync(client, request, ct), ct);

    public override Task<ListReply> ListAsync(ClientId client, ListRequest request, CancellationToken ct) => AskAsync(client, () => Node.ListAsync(client, request, ct), ct);

    public override Task<LookupReply> LookupAsync(ClientId client, LookupRequest request, CancellationToken ct) => AskAsync(client, () => Node.LookupAsync(client, request, ct), ct);

    public override Task<VersionsReply> VersionsAsync(ClientId client, VersionsRequest request, CancellationToken ct) => AskAsync(client, () => Node.VersionsAsync(client, request, ct), ct);

    private async Task<T> AskAsync<T>(ClientId client, Func<Task<T>> call, CancellationToken ct)
    {
        await encrypted.RefuseAsync(Node, client, ct);
        return await call();
    }
}
