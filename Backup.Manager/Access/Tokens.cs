using System.Globalization;
using Backup.Manager.Redis;
using Backup.Protocol;
using Backup.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Backup.Manager.Access;

/// <summary>Who may do what: tokens and invitations, of which Redis keeps hashes only.</summary>
public sealed class Tokens(Metadata metadata, TimeProvider time, IOptions<SecurityOptions> security) : IAccess, ITokens
{
    /// <summary>Per client, revoked ones included: one for each machine and purpose, for years. A line is 100 bytes.</summary>
    public const int TokensMax = 100;

    /// <summary>Invitations nobody has used yet.</summary>
    public const int InvitationsMax = 1000;

    private const int ValidMinutesMax = 7 * 24 * 60;
    private const int TokenDaysMax = 3650;

    /// <summary>Of 256 random bits 64 tell a client's hundred tokens apart.</summary>
    private const int IdChars = 16;

    private const string None = "-";

    public async Task<EnrolReply> EnrolAsync(EnrolRequest request, CancellationToken ct)
    {
        if (request.Client == default || request.Client == ClientId.Guest || request.Client == ClientId.Nobody || !Secret.IsHash(request.TokenHash))
            throw Failure.InvalidRequest("To enrol takes a client id of one's own and the hash of a token.").Exception();
        Secret? invitation = null;
        if (request.Invitation is null ? !security.Value.IsLoopbackOpen : !Secret.TryParse(request.Invitation, out invitation))
            throw NoInvitation().Exception();
        var reply = await metadata.RunAsync(new ScriptCall(Script.EnrolClient).Key(Keys.Tokens(request.Client), Keys.Invitations)
            .Arg(NowMs).Arg(request.Client.ToString()).Arg(request.TokenHash).Arg(invitation?.Hash ?? None).Arg(Scopes.OfTokens.Text()).Arg(TokensMax), ct);
        return reply[0].Text switch
        {
            "ok" => Enrolled(TokenLine.Parse(reply[1].Text)),
            "known" => throw new Failure(FailureCode.Forbidden, $"Client {request.Client} has enrolled before, and its token was not shown.", "client",
                $"Use the clients.json that holds its token, or take an invitation from `Backup.Manager invite --client {request.Client}`.").Exception(),
            "many" => throw Failure.InvalidRequest($"Client {request.Client} has {TokensMax} tokens.").Exception(),
            _ => throw NoInvitation().Exception(),
        };
    }

    public async Task<InviteReply> InviteAsync(InviteRequest request, CancellationToken ct)
    {
        if (request.Scopes == Scope.None || (request.Scopes & ~Scopes.OfTokens) != 0)
            throw Failure.InvalidRequest($"An invitation is to some of {Scopes.OfTokens.Text()}.").Exception();
        if (request.ValidMinutes is < 1 or > ValidMinutesMax || request.TokenDays is < 1 or > TokenDaysMax)
            throw Failure.InvalidRequest($"An invitation is valid for 1 to {ValidMinutesMax} minutes, and its token for 1 to {TokenDaysMax} days.").Exception();
        var invitation = Secret.New();
        var expiresMs = NowMs + (request.ValidMinutes * 60_000L);
        var line = string.Create(CultureInfo.InvariantCulture, $"{expiresMs} {request.Scopes.Text()} {request.Client?.ToString() ?? None} {request.TokenDays?.ToString(CultureInfo.InvariantCulture) ?? None}");
        var reply = await metadata.RunAsync(new ScriptCall(Script.KeepInvitation).Key(Keys.Invitations)
            .Arg(NowMs).Arg(invitation.Hash).Arg(line).Arg(InvitationsMax), ct);
        return reply[0].Text == "ok" ? new InviteReply(invitation.Reveal(), expiresMs)
            : throw new Failure(FailureCode.Busy, $"{InvitationsMax} invitations are open already.", "manager", "Use them, or wait until they expire.").Exception();
    }

    public async Task<TokensReply> TokensAsync(TokensRequest request, CancellationToken ct)
    {
        var reply = await metadata.RunAsync(new ScriptCall(Script.ShowTokens).Key(Keys.Tokens(request.Client)), ct);
        return new TokensReply([.. reply.Pairs.Select(pair => (Id: pair.Name[..IdChars], Line: TokenLine.Parse(pair.Value))).OrderBy(token => token.Line.CreatedMs)
            .Select(token => new TokenInfo(token.Id, token.Line.Scopes, token.Line.CreatedMs, token.Line.ExpiresMs, token.Line.RevokedMs))]);
    }

    public async Task<TokensReply> RevokeAsync(RevokeRequest request, CancellationToken ct)
    {
        if (request.Id.Length != IdChars || !request.Id.All(char.IsAsciiHexDigitLower))
            throw Failure.InvalidRequest($"A token is named by {IdChars} hex digits.").Exception();
        var reply = await metadata.RunAsync(new ScriptCall(Script.RevokeToken).Key(Keys.Tokens(request.Client)).Arg(NowMs).Arg(request.Id), ct);
        return reply[0].Text == "ok" ? await TokensAsync(new TokensRequest(request.Client), ct)
            : throw new Failure(FailureCode.NotFound, $"Client {request.Client} has no token {request.Id}.", "client", "List its tokens.").Exception();
    }

    public async Task<TokenCheckReply> CheckAsync(TokenCheckRequest request, CancellationToken ct)
    {
        var line = Secret.IsHash(request.TokenHash) ? (await metadata.ReadHashAsync(Keys.Tokens(request.Client), [request.TokenHash], ct))[0] : null;
        return line is null ? new TokenCheckReply(TokenStanding.Unknown, Scope.None, null) : TokenLine.Parse(line).At(NowMs);
    }

    private long NowMs => time.GetUtcNow().ToUnixTimeMilliseconds();

    private static EnrolReply Enrolled(TokenLine line) => new(line.Scopes, line.ExpiresMs);

    private static Failure NoInvitation() => new(FailureCode.Unauthorized, "To enrol takes an invitation, and what was shown is none that is open.", "client",
        "Ask whoever looks after the cluster for one; each works once, and not for long.");
}
