using Backup.Protocol;
using Backup.ServiceDefaults;
using Backup.Storage.Membership;
using Backup.Tests.Manager;

namespace Backup.Tests.Access;

/// <summary>What a grant holds for, and how long; how long a node goes by what it was told of a token.</summary>
public sealed class GrantTests
{
    private static readonly GrantedRequest Asked = new("PUT", "/v1/replica/segments", "client", "n1,n2", "7", 100);

    private readonly SetTime time = new();
    private readonly ClusterKey key = ClusterKey.Parse(ManagerProcess.KeyText);

    [Fact]
    public void It_holds_for_one_request_to_one_process_once()
    {
        var check = new GrantCheck(key, "n2", time);
        var grant = Sign();
        Assert.Equal("n1", check.Check(grant, Asked));
        Refused(check, grant, Asked, "used before");
        foreach (var other in new[] { Asked with { Method = "POST" }, Asked with { Target = "/v1/forget" }, Asked with { Target = Asked.Target + "?" }, Asked with { Client = "other" },
            Asked with { Client = "" }, Asked with { Nodes = "n1,n3" }, Asked with { Epoch = "8" }, Asked with { LengthBytes = 101 }, Asked with { LengthBytes = 0 } })
            Refused(check, Sign(), other, "not signed");
        Refused(new GrantCheck(key, "n3", time), Sign(), Asked, "is for n2");
        Refused(new GrantCheck(ClusterKey.Parse(new string('0', 63) + "1"), "n2", time), Sign(), Asked, "not signed");
    }

    [Fact]
    public void Whatever_of_it_is_changed_it_is_none()
    {
        var check = new GrantCheck(key, "n2", time);
        var grant = Sign();
        for (var i = 0; i < grant.Length; i++)
        {
            foreach (var c in "0a.-")
            {
                if (grant[i] != c)
                    Refused(check, grant[..i] + c + grant[(i + 1)..], Asked, "not signed");
            }
        }
        foreach (var text in new[] { "", ".", "1.....", grant + "0", grant[..^1], grant.ToUpperInvariant(), "2" + grant[1..], grant.Replace(".", "\n") })
            Refused(check, text, Asked, "not signed");
        Assert.Equal("n1", check.Check(grant, Asked));
    }

    [Fact]
    public void It_ends_soon_and_clocks_may_differ_a_little()
    {
        var check = new GrantCheck(key, "n2", time);
        var (early, late) = (Sign(-Grant.ClockTolerance), Sign(Grant.ClockTolerance));
        Assert.Equal("n1", check.Check(early, Asked));
        Assert.Equal("n1", check.Check(late, Asked));
        Refused(check, Sign(Grant.ClockTolerance + TimeSpan.FromMilliseconds(1)), Asked, "not valid yet");
        Refused(check, Sign(-Grant.ClockTolerance - Grant.LifeTime - TimeSpan.FromMilliseconds(1)), Asked, "expired");
        Refused(check, Sign(TimeSpan.FromDays(3650)), Asked, "not valid yet");
    }

    [Fact]
    public void No_more_is_let_through_than_can_be_remembered()
    {
        var seen = new SeenNonces(time, noncesMax: 2);
        Assert.True(seen.TryAdd(Nonce(1)));
        Assert.True(seen.TryAdd(Nonce(2)));
        Assert.False(seen.TryAdd(Nonce(1)));
        Assert.Equal(FailureCode.Busy, Assert.Throws<FailureException>(() => seen.TryAdd(Nonce(3))).Failure.Code);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("secret")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz")]
    public void Without_a_real_key_there_is_none(string? text)
    {
        var failure = Assert.Throws<FailureException>(() => ClusterKey.Parse(text)).Failure;
        if (!string.IsNullOrEmpty(text))
            Assert.DoesNotContain(text, failure.Message);
    }

    [Fact]
    public void Secrets_do_not_show_themselves()
    {
        var token = AccessToken.New(ClientId.New());
        Assert.DoesNotContain(token.Secret.Reveal(), $"{token} {token.Secret} {key} {new { token, token.Secret }}");
        Assert.True(AccessToken.TryParse(token.Reveal(), out var same));
        Assert.Equal(token.Secret.Hash, same.Secret.Hash);
        foreach (var text in new[] { null, "", "backup", "backup__", token.Reveal() + "x", token.Reveal()[..^1], token.Reveal().ToUpperInvariant(), token.Reveal() + "=", " " + token.Reveal() })
            Assert.False(AccessToken.TryParse(text, out _));
    }

    [Fact]
    public async Task A_revocation_reaches_a_node_within_seconds_and_a_manager_that_is_away_is_stood_in_for()
    {
        var manager = new Answers();
        using var asked = new AskedTokens(manager, time);
        var request = new TokenCheckRequest(ClientId.New(), Secret.New().Hash);
        manager.Next = new TokenCheckReply(TokenStanding.Valid, Scope.Read, time.NowMs + 3_600_000);
        Assert.Equal(TokenStanding.Valid, (await asked.CheckAsync(request, default)).Standing);

        manager.Next = new TokenCheckReply(TokenStanding.Revoked, Scope.None, null);
        Assert.Equal(TokenStanding.Valid, (await asked.CheckAsync(request, default)).Standing);
        time.Advance(AskedTokens.FreshTime);
        Assert.Equal(TokenStanding.Revoked, (await asked.CheckAsync(request, default)).Standing);

        manager.Next = new TokenCheckReply(TokenStanding.Valid, Scope.Read, null);
        time.Advance(AskedTokens.FreshTime);
        Assert.Equal(TokenStanding.Valid, (await asked.CheckAsync(request, default)).Standing);
        manager.Next = null;
        time.Advance(AskedTokens.StandInTime - TimeSpan.FromSeconds(1));
        Assert.Equal(TokenStanding.Valid, (await asked.CheckAsync(request, default)).Standing);
        time.Advance(TimeSpan.FromSeconds(1));
        await ManagersOnRedis.FailsAsync(FailureCode.ManagerUnreachable, () => asked.CheckAsync(request, default));
        await ManagersOnRedis.FailsAsync(FailureCode.ManagerUnreachable, () => asked.CheckAsync(request with { TokenHash = Secret.New().Hash }, default));
    }

    private static string Nonce(int number) => number.ToString("x32", System.Globalization.CultureInfo.InvariantCulture);

    private string Sign(TimeSpan apart = default) => Grant.Sign(key, "n1", "n2", Asked, time.GetUtcNow() + apart).ToString();

    private static void Refused(GrantCheck check, string grant, GrantedRequest request, string says)
    {
        var failure = Assert.Throws<FailureException>(() => check.Check(grant, request)).Failure;
        Assert.Equal(FailureCode.Unauthorized, failure.Code);
        Assert.Contains(says, failure.Message);
    }

    /// <summary>The manager as a node hears it; null is silence.</summary>
    private sealed class Answers : ITokens
    {
        public TokenCheckReply? Next { get; set; }

        public Task<TokenCheckReply> CheckAsync(TokenCheckRequest request, CancellationToken ct) => Next is { } reply ? Task.FromResult(reply)
            : throw new Failure(FailureCode.ManagerUnreachable, "Nobody answers.", "manager", "Wait.").Exception();
    }
}
