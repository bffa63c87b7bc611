using Garnet.networking;
using Garnet.server;

namespace Backup.EmbeddedRedis;

/// <summary>
/// A connection's way out: before an answer leaves, what was written for it is committed to the append-only file.
/// It is called behind the gate of <see cref="SerialGarnet"/>, so the commit ends where a request ends.
/// </summary>
/// <remarks>
/// Several answers that a client has pipelined leave together, and share one commit. A commit with nothing new in it
/// is free.
/// </remarks>
internal sealed unsafe class CommittingSender(INetworkSender sender, StoreApi store, Action<Exception> failed) : INetworkSender
{
    public MaxSizeSettings GetMaxSizeSettings => sender.GetMaxSizeSettings;

    public string RemoteEndpointName => sender.RemoteEndpointName;

    public string LocalEndpointName => sender.LocalEndpointName;

    public bool SendResponse(int offset, int size)
    {
        Commit();
        return sender.SendResponse(offset, size);
    }

    public void SendResponse(byte[] buffer, int offset, int count, object context)
    {
        Commit();
        sender.SendResponse(buffer, offset, count, context);
    }

    public bool IsLocalConnection() => sender.IsLocalConnection();

    public void Enter() => sender.Enter();

    public void EnterAndGetResponseObject(out byte* head, out byte* tail) => sender.EnterAndGetResponseObject(out head, out tail);

    public void Exit() => sender.Exit();

    public void ExitAndReturnResponseObject() => sender.ExitAndReturnResponseObject();

    public void GetResponseObject() => sender.GetResponseObject();

    public void ReturnResponseObject() => sender.ReturnResponseObject();

    public byte* GetResponseObjectHead() => sender.GetResponseObjectHead();

    public byte* GetResponseObjectTail() => sender.GetResponseObjectTail();

    public void SendCallback(object context) => sender.SendCallback(context);

    public void DisposeNetworkSender(bool waitForSendCompletion) => sender.DisposeNetworkSender(waitForSendCompletion);

    public void Throttle() => sender.Throttle();

    public bool TryClose() => sender.TryClose();

    public void Dispose() => sender.Dispose();

    private void Commit()
    {
        try
        {
            var commit = store.CommitAOFAsync(CancellationToken.None);
            if (!commit.IsCompletedSuccessfully)
                commit.AsTask().GetAwaiter().GetResult();
        }
        catch (Exception e)
        {
            failed(e);
            throw;
        }
    }
}
