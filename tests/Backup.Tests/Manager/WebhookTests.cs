using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Backup.Manager;
using Backup.Manager.Alarms;
using Backup.Manager.Redis;
using Backup.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace Backup.Tests.Manager;

/// <summary>Alarms reach who is to be told, also when he is away for a while.</summary>
public abstract class WebhookTests(RedisFixture fixture)
{
    private const string Key = "not-for-everybody";

    [SkippableFact]
    public async Task Alarms_and_their_end_are_posted_in_order_with_a_signature_and_nothing_else_is()
    {
        await using var ear = await Ear.StartAsync();
        await using var cluster = await ManagersOnRedis.StartAsync(fixture, ("Cluster:Webhooks", ear.Address.ToString()), ("Cluster:WebhookSecret", Key));
        var log = cluster.Get<EventLog>();
        await log.AddAsync(EventKind.NodeDied, EventSeverity.Warning, "n1", "before anybody listened", default);
        await StepAsync(cluster);
        await log.AddAsync(EventKind.CopiesOwed, EventSeverity.Warning, "cluster", "one", default);
        await log.AddAsync(EventKind.NodeJoined, EventSeverity.Info, "n2", "no alarm", default);
        await log.AddAsync(EventKind.CopiesRepaid, EventSeverity.Info, "cluster", "two", default);
        await StepAsync(cluster);
        // Another manager goes on where this one was.
        await log.AddAsync(EventKind.BackupUnusual, EventSeverity.Error, "c", "three", default);
        await StepAsync(cluster, manager: 1);
        Assert.Equal(["one", "two", "three"], ear.Heard.SelectMany(e => e.Events).Select(e => e.Message));
        Assert.All(ear.Heard, heard => Assert.Equal("sha256=" + Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(Key), heard.Body)), heard.Signature));
    }

    [SkippableFact]
    public async Task One_that_is_away_gets_it_later_and_holds_up_no_other()
    {
        await using var ear = await Ear.StartAsync();
        await using var other = await Ear.StartAsync();
        await using var cluster = await ManagersOnRedis.StartAsync(fixture, ("Cluster:Webhooks", $"{ear.Address}, {other.Address}"));
        await StepAsync(cluster);
        // What cannot be repeated with another result is no reason to try again at once.
        ear.Answer = StatusCodes.Status403Forbidden;
        await cluster.Get<EventLog>().AddAsync(EventKind.CopiesOwed, EventSeverity.Warning, "cluster", "one", default);
        await StepAsync(cluster);
        Assert.Equal("one", Assert.Single(Assert.Single(other.Heard).Events).Message);
        Assert.Single(ear.Heard);
        ear.Answer = StatusCodes.Status204NoContent;
        await StepAsync(cluster);
        await StepAsync(cluster);
        Assert.Equal(["one", "one"], ear.Heard.SelectMany(e => e.Events).Select(e => e.Message));
        Assert.Single(other.Heard);
    }

    [SkippableFact]
    public async Task One_that_was_away_for_more_events_than_a_page_has_gets_all_of_them()
    {
        await using var ear = await Ear.StartAsync();
        await using var cluster = await ManagersOnRedis.StartAsync(fixture, ("Cluster:Webhooks", ear.Address.ToString()));
        await StepAsync(cluster);
        string[] said = [.. Enumerable.Range(0, Limits.ListPageMax + 500).Select(i => $"event {i}")];
        await cluster.Get<EventLog>().NoticeAsync("", "", "", "cluster", said.Select(message => (EventKind.CopiesOwed, EventSeverity.Warning, message)), default);
        for (var step = 0; step < 3; step++)
            await StepAsync(cluster);
        Assert.Equal(said, ear.Heard.SelectMany(e => e.Events).Select(e => e.Message));
    }

    [SkippableFact]
    public async Task That_the_metadata_was_lost_is_posted_at_once_though_how_far_posting_was_is_lost_with_it()
    {
        await using var ear = await Ear.StartAsync();
        await using var cluster = await ManagersOnRedis.StartAsync(fixture, ("Cluster:Webhooks", ear.Address.ToString()));
        await StepAsync(cluster);
        foreach (var key in new[] { Keys.Webhooks, Keys.Events, Keys.EventSequence, Keys.Noticed })
            await cluster.Database.KeyDeleteAsync(key);
        await cluster.Get<EventLog>().AddAsync(EventKind.NodeDied, EventSeverity.Warning, "n2", "before the loss was known", default);
        cluster.Time.Advance(TimeSpan.FromSeconds(1));
        await cluster.Get<IRebuilder>().RebuildAsync(default);
        await cluster.Get<Watch>().StepAsync(default);
        await StepAsync(cluster);
        await StepAsync(cluster);
        Assert.Equal(EventKind.MetadataLost, Assert.Single(ear.Heard.SelectMany(e => e.Events)).Kind);
    }

    [SkippableFact]
    public async Task A_loss_of_long_ago_is_no_news_to_the_first_address()
    {
        await using var ear = await Ear.StartAsync();
        await using var cluster = await ManagersOnRedis.StartAsync(fixture, ("Cluster:Webhooks", ear.Address.ToString()));
        await cluster.Get<EventLog>().AddAsync(EventKind.MetadataLost, EventSeverity.Warning, "cluster", "long ago", default);
        await cluster.Get<EventLog>().AddAsync(EventKind.CopiesOwed, EventSeverity.Warning, "cluster", "after it", default);
        cluster.Time.Advance(TimeSpan.FromDays(2));
        await StepAsync(cluster);
        await cluster.Get<EventLog>().AddAsync(EventKind.CopiesOwed, EventSeverity.Warning, "cluster", "now", default);
        await StepAsync(cluster);
        Assert.Equal(["now"], ear.Heard.SelectMany(e => e.Events).Select(e => e.Message));
    }

    [SkippableFact]
    public async Task A_redirect_is_not_followed_and_a_stumble_is_tried_again()
    {
        await using var ear = await Ear.StartAsync();
        await using var elsewhere = await Ear.StartAsync();
        await using var cluster = await ManagersOnRedis.StartAsync(fixture, ("Cluster:Webhooks", ear.Address.ToString()));
        await StepAsync(cluster);
        (ear.Answer, ear.Location) = (StatusCodes.Status307TemporaryRedirect, elsewhere.Address.ToString());
        await cluster.Get<EventLog>().AddAsync(EventKind.CopiesOwed, EventSeverity.Warning, "cluster", "one", default);
        await StepAsync(cluster);
        Assert.Empty(elsewhere.Heard);
        (ear.Answer, ear.Location, ear.Stumbles) = (StatusCodes.Status204NoContent, null, 1);
        await StepAsync(cluster);
        Assert.Equal(3, ear.Heard.Count);
    }

    [SkippableTheory]
    [InlineData("file:///etc/passwd")]
    [InlineData("http://good.example/ nonsense")]
    public async Task What_is_no_address_is_refused_at_the_start(string setting)
    {
        await fixture.ServerAsync();
        Assert.Null(new ClusterOptions { Webhooks = setting }.WebhookAddresses());
    }

    private static async Task StepAsync(ManagersOnRedis cluster, int manager = 0)
    {
        cluster.Time.Advance(Leases.Duty);
        await cluster.Get<WebhookWorker>(manager).StepAsync(default);
    }

    private sealed record Post(byte[] Body, string? Signature, ClusterEvent[] Events);

    /// <summary>Who is told.</summary>
    private sealed class Ear(WebApplication app) : IAsyncDisposable
    {
        public ConcurrentQueue<Post> Heard { get; } = new();

        public Uri Address => new(app.Urls.Single());

        public int Answer { get; set; } = StatusCodes.Status204NoContent;

        public string? Location { get; set; }

        /// <summary>How many of the next posts are answered with 503.</summary>
        public int Stumbles { get; set; }

        public static async Task<Ear> StartAsync()
        {
            var builder = WebApplication.CreateBuilder(["--urls=http://127.0.0.1:0"]);
            builder.WebHost.UseKestrel();
            var app = builder.Build();
            var ear = new Ear(app);
            app.MapPost("/", async http =>
            {
                using var body = new MemoryStream();
                await http.Request.Body.CopyToAsync(body);
                ear.Heard.Enqueue(new Post(body.ToArray(), http.Request.Headers[WebhookPost.SignatureHeader], JsonSerializer.Deserialize(body.ToArray(), WireJson.Default.EventsReply)!.Events));
                http.Response.StatusCode = ear.Stumbles-- > 0 ? StatusCodes.Status503ServiceUnavailable : ear.Answer;
                if (ear.Location is { } location)
                    http.Response.Headers.Location = location;
            });
            await app.StartAsync();
            return ear;
        }

        public async ValueTask DisposeAsync() => await app.DisposeAsync();
    }
}

[Collection(OnGarnet.Name)]
public sealed class WebhooksOnGarnet(GarnetFixture fixture) : WebhookTests(fixture);

[Collection(OnDebian.Name)]
public sealed class WebhooksOnDebian(DebianFixture fixture) : WebhookTests(fixture);
