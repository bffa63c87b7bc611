using System.Text.Json;
using System.Text.Json.Serialization;

namespace Backup.Protocol;

/// <summary>All JSON of the wire and of manifests, generated: no reflection at start, and strict where a sender can be wrong.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false,
    MaxDepth = 16)]
[JsonSerializable(typeof(Failure))]
[JsonSerializable(typeof(FailureBody))]
[JsonSerializable(typeof(ManifestHead))]
[JsonSerializable(typeof(PlaceRequest))]
[JsonSerializable(typeof(PlaceReply))]
[JsonSerializable(typeof(CommitRequest))]
[JsonSerializable(typeof(CommitReply))]
[JsonSerializable(typeof(Receipt))]
[JsonSerializable(typeof(ListRequest))]
[JsonSerializable(typeof(ListReply))]
[JsonSerializable(typeof(LookupRequest))]
[JsonSerializable(typeof(LookupReply))]
[JsonSerializable(typeof(VersionsRequest))]
[JsonSerializable(typeof(VersionsReply))]
[JsonSerializable(typeof(RegisterRequest))]
[JsonSerializable(typeof(RegisterReply))]
[JsonSerializable(typeof(HeartbeatRequest))]
[JsonSerializable(typeof(HeartbeatReply))]
[JsonSerializable(typeof(ClusterStatus))]
[JsonSerializable(typeof(MissingRequest))]
[JsonSerializable(typeof(MissingReply))]
[JsonSerializable(typeof(StoreReply))]
[JsonSerializable(typeof(ReadRequest))]
[JsonSerializable(typeof(SnapshotRequest))]
[JsonSerializable(typeof(SnapshotDeleteRequest))]
[JsonSerializable(typeof(SnapshotsReply))]
[JsonSerializable(typeof(RetentionRequest))]
[JsonSerializable(typeof(RetentionReply))]
[JsonSerializable(typeof(UndoReply))]
[JsonSerializable(typeof(ForgetRequest))]
[JsonSerializable(typeof(ForgetReply))]
[JsonSerializable(typeof(CollectReply))]
[JsonSerializable(typeof(EventsRequest))]
[JsonSerializable(typeof(EventsReply))]
[JsonSerializable(typeof(DrainRequest))]
[JsonSerializable(typeof(RepairStatus))]
[JsonSerializable(typeof(WhatIfRequest))]
[JsonSerializable(typeof(WhatIfReply))]
[JsonSerializable(typeof(RebuildStatus))]
[JsonSerializable(typeof(CopiesRequest))]
[JsonSerializable(typeof(CopiesReply))]
[JsonSerializable(typeof(EnrolRequest))]
[JsonSerializable(typeof(EnrolReply))]
[JsonSerializable(typeof(InviteRequest))]
[JsonSerializable(typeof(InviteReply))]
[JsonSerializable(typeof(TokensRequest))]
[JsonSerializable(typeof(TokensReply))]
[JsonSerializable(typeof(RevokeRequest))]
[JsonSerializable(typeof(TokenCheckRequest))]
[JsonSerializable(typeof(TokenCheckReply))]
[JsonSerializable(typeof(RecordsRequest))]
[JsonSerializable(typeof(InventoryRequest))]
[JsonSerializable(typeof(InventoryReply))]
[JsonSerializable(typeof(ClientMoments))]
[JsonSerializable(typeof(CopyRequest))]
[JsonSerializable(typeof(CopyReply))]
[JsonSerializable(typeof(HeldRequest))]
[JsonSerializable(typeof(HeldReply))]
[JsonSerializable(typeof(LackingRequest))]
[JsonSerializable(typeof(LackingReply))]
[JsonSerializable(typeof(RunReport))]
[JsonSerializable(typeof(RunsReply))]
[JsonSerializable(typeof(ClientRun))]
[JsonSerializable(typeof(ClientStanding))]
[JsonSerializable(typeof(ClientsReply))]
[JsonSerializable(typeof(FineRequest))]
[JsonSerializable(typeof(QuotaRequest))]
public sealed partial class WireJson : JsonSerializerContext;

/// <summary>A failure as a response body: RFC 9457 problem details with our own members beside the standard ones.</summary>
public sealed record FailureBody(string Title, int Status, string Detail, FailureCode Code, string Culprit, string Advice, string? TraceId = null)
{
    public const string MediaType = "application/problem+json";

    public static FailureBody Of(Failure failure, string? traceId) =>
        new(failure.Code.ToString(), (int)failure.Status, failure.Message, failure.Code, failure.Culprit, failure.Advice, traceId);

    public Failure ToFailure() => new(Code, Detail, Culprit, Advice);
}
