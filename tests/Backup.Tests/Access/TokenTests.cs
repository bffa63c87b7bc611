using Backup.Manager.Access;
using Backup.Manager.Redis;
using Backup.Protocol;
using Backup.Tests.Manager;
using static Backup.Tests.Manager.ManagersOnRedis;

namespace Backup.Tests.Access;

/// <summary>How clients get in and how they are thrown out, on Redis and on Garnet alike.</summary>
public abstract class TokenTests(RedisFixture fixture)
{
    private readonly ClientId client = ClientId.New();

    private static (string, string) Enrolment(string how) => ("Security:Enrolment", how);

    [SkippableFact]
    public async Task On_loopback_a_client_enrols_once_and_nobody_enrols_in_its_name()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture, Enrolment("loopback"));
        var token = AccessToken.New(client);
        var request = new EnrolRequest(client, token.Secret.Hash);
        var first = await cluster.Get<Tokens>().EnrolAsync(request, default);
        Assert.Equal(Scopes.OfTokens, first.Scopes);
        Assert.Null(first.ExpiresMs);
        // The answer was lost: asked again, the other manager says the same.
        Assert.Equal(first, await cluster.Get<Tokens>(1).EnrolAsync(request, default));
        await FailsAsync(FailureCode.Forbidden, () => cluster.Get<Tokens>().EnrolAsync(new EnrolRequest(client, Secret.New().Hash), default));
        Assert.Equal(TokenStanding.Valid, (await CheckAsync(cluster, token)).Standing);
        // Not even once it has no valid token any more.
        await cluster.Get<Tokens>().RevokeAsync(new RevokeRequest(client, token.Secret.Hash[..16]), default);
        await FailsAsync(FailureCode.Forbidden, () => cluster.Get<Tokens>().EnrolAsync(new EnrolRequest(client, Secret.New().Hash), default));
    }

    [SkippableFact]
    public async Task Elsewhere_it_takes_an_invitation_which_works_once()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        var tokens = cluster.Get<Tokens>();
        var hash = Secret.New().Hash;
        await FailsAsync(FailureCode.Unauthorized, () => tokens.EnrolAsync(new EnrolRequest(client, hash), default));
        await FailsAsync(FailureCode.Unauthorized, () => tokens.EnrolAsync(new EnrolRequest(client, hash, Secret.New().Reveal()), default));
        await FailsAsync(FailureCode.Unauthorized, () => tokens.EnrolAsync(new EnrolRequest(client, hash, "x"), default));
        var invitation = (await tokens.InviteAsync(new InviteRequest(Scope.Append | Scope.List, TokenDays: 30), default)).Invitation;
        var enrolled = await tokens.EnrolAsync(new EnrolRequest(client, hash, invitation), default);
        Assert.Equal(new EnrolReply(Scope.Append | Scope.List, cluster.Time.NowMs + (30L * 86_400_000)), enrolled);
        Assert.Equal(enrolled, await tokens.EnrolAsync(new EnrolRequest(client, hash, invitation), default));
        await FailsAsync(FailureCode.Unauthorized, () => tokens.EnrolAsync(new EnrolRequest(ClientId.New(), Secret.New().Hash, invitation), default));
    }

    [SkippableFact]
    public async Task An_invitation_expires_and_is_for_whom_it_is_for()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        var tokens = cluster.Get<Tokens>();
        await Credential.EnrolAsync(tokens, client, Scopes.OfTokens);
        var late = await tokens.InviteAsync(new InviteRequest(Scope.Read, ValidMinutes: 5), default);
        cluster.Time.Advance(TimeSpan.FromMinutes(5));
        await FailsAsync(FailureCode.Unauthorized, () => tokens.EnrolAsync(new EnrolRequest(ClientId.New(), Secret.New().Hash, late.Invitation), default));

        // An invitation to a new client does not open an old one, and one to an old client opens no other.
        var open = await tokens.InviteAsync(new InviteRequest(Scope.Read), default);
        await FailsAsync(FailureCode.Forbidden, () => tokens.EnrolAsync(new EnrolRequest(client, Secret.New().Hash, open.Invitation), default));
        var bound = await tokens.InviteAsync(new InviteRequest(Scope.Read, client), default);
        await FailsAsync(FailureCode.Unauthorized, () => tokens.EnrolAsync(new EnrolRequest(ClientId.New(), Secret.New().Hash, bound.Invitation), default));
        Assert.Equal(Scope.Read, (await tokens.EnrolAsync(new EnrolRequest(client, Secret.New().Hash, bound.Invitation), default)).Scopes);
    }

    [SkippableFact]
    public async Task A_token_ends_by_the_clusters_clock_or_when_it_is_revoked()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        var tokens = cluster.Get<Tokens>();
        var lasting = await Credential.EnrolAsync(tokens, client, Scope.Read);
        var ending = await Credential.EnrolAsync(tokens, client, Scope.Read | Scope.List, tokenDays: 1);
        Assert.Equal(new TokenCheckReply(TokenStanding.Valid, Scope.Read, null), await CheckAsync(cluster, lasting));
        cluster.Time.Advance(TimeSpan.FromDays(1) - TimeSpan.FromMilliseconds(1));
        Assert.Equal(TokenStanding.Valid, (await CheckAsync(cluster, ending)).Standing);
        cluster.Time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal((TokenStanding.Expired, Scope.None), ((await CheckAsync(cluster, ending)).Standing, (await CheckAsync(cluster, ending)).Scopes));

        var listed = (await tokens.TokensAsync(new TokensRequest(client), default)).Tokens;
        Assert.Equal([lasting.Secret.Hash[..16], ending.Secret.Hash[..16]], listed.Select(token => token.Id).OrderBy(id => id != lasting.Secret.Hash[..16]));
        var revoked = await tokens.RevokeAsync(new RevokeRequest(client, lasting.Secret.Hash[..16]), default);
        Assert.Equal(cluster.Time.NowMs, revoked.Tokens.Single(token => token.Scopes == Scope.Read).RevokedMs);
        Assert.Equal(TokenStanding.Revoked, (await CheckAsync(cluster, lasting)).Standing);
        await FailsAsync(FailureCode.NotFound, () => tokens.RevokeAsync(new RevokeRequest(client, new string('0', 16)), default));
        await FailsAsync(FailureCode.InvalidRequest, () => tokens.RevokeAsync(new RevokeRequest(client, ""), default));
    }

    [SkippableFact]
    public async Task Redis_holds_nothing_that_opens_anything()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture);
        var tokens = cluster.Get<Tokens>();
        var invitation = (await tokens.InviteAsync(new InviteRequest(Scope.Read), default)).Invitation;
        var token = await Credential.EnrolAsync(tokens, client, Scope.Read);
        var held = string.Join('\n', (await cluster.Database.HashGetAllAsync(Keys.Invitations)).Concat(await cluster.Database.HashGetAllAsync(Keys.Tokens(client))));
        Assert.Contains(token.Secret.Hash, held);
        Assert.DoesNotContain(token.Secret.Reveal(), held);
        Assert.DoesNotContain(invitation, held);
        // A stolen hash, taken for a secret, is another secret.
        Assert.False(AccessToken.TryParse($"backup_{client}_{token.Secret.Hash}", out _));
        Assert.Equal(TokenStanding.Unknown, (await tokens.CheckAsync(new TokenCheckRequest(ClientId.New(), token.Secret.Hash), default)).Standing);
    }

    [SkippableFact]
    public async Task What_makes_no_sense_is_refused()
    {
        await using var cluster = await ManagersOnRedis.StartAsync(fixture, Enrolment("loopback"));
        var tokens = cluster.Get<Tokens>();
        foreach (var request in new[] { new EnrolRequest(default, Secret.New().Hash), new EnrolRequest(ClientId.Guest, Secret.New().Hash),
            new EnrolRequest(ClientId.Nobody, Secret.New().Hash), new EnrolRequest(client, ""), new EnrolRequest(client, new string('G', 64)), new EnrolRequest(client, "* ") })
            await FailsAsync(FailureCode.InvalidRequest, () => tokens.EnrolAsync(request, default));
        foreach (var request in new[] { new InviteRequest(Scope.None), new InviteRequest(Scope.Peer), new InviteRequest(Scope.Read | Scope.Enrol), new InviteRequest((Scope)1024),
            new InviteRequest(Scope.Read, ValidMinutes: 0), new InviteRequest(Scope.Read, ValidMinutes: int.MaxValue), new InviteRequest(Scope.Read, TokenDays: -1) })
            await FailsAsync(FailureCode.InvalidRequest, () => tokens.InviteAsync(request, default));
    }

    private static Task<TokenCheckReply> CheckAsync(ManagersOnRedis cluster, AccessToken token) =>
        cluster.Get<Tokens>(1).CheckAsync(new TokenCheckRequest(token.Client, token.Secret.Hash), default);
}

[Collection(OnGarnet.Name)]
public sealed class TokensOnGarnet(GarnetFixture fixture) : TokenTests(fixture);

[Collection(OnDebian.Name)]
public sealed class TokensOnDebian(DebianFixture fixture) : TokenTests(fixture);
