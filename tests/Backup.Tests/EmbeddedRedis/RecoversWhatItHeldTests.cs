using Backup.Tests.Redis;
using StackExchange.Redis;

namespace Backup.Tests.EmbeddedRedis;

/// <summary>
/// Random changes to hashes, sorted sets and strings, kept beside the server in plain dictionaries; checkpoints in
/// between; SIGKILL; and then every key must be what the dictionaries say, and no other key be there. This is what
/// found that Garnet recovers wrong values with revivification on.
/// </summary>
public sealed class RecoversWhatItHeldTests
{
    private const int KeysCount = 2_000;
    private const int BatchesBetweenKills = 150;
    private const int BatchSize = 200;

    private readonly Random random = new(4711);
    private readonly Dictionary<string, Dictionary<string, string>> hashes = [];
    private readonly Dictionary<string, Dictionary<string, double>> sets = [];
    private readonly Dictionary<string, string> strings = [];

    [Fact]
    public async Task After_kills_and_checkpoints_every_key_is_as_it_was()
    {
        await using var server = await EmbeddedRedisServer.StartNewAsync();
        for (var round = 0; round < 3; round++)
        {
            await using (var redis = await ConnectionMultiplexer.ConnectAsync(server.ConnectionString))
            {
                for (var i = 0; i < BatchesBetweenKills; i++)
                {
                    await ChangeAsync(redis.GetDatabase());
                    if (i % 60 == 40)
                        await redis.GetDatabase().ExecuteAsync("SAVE");
                }
            }

            await server.KillAsync();
            await server.RestartAsync();
            await using var again = await ConnectionMultiplexer.ConnectAsync(server.ConnectionString);
            await CheckAsync(again.GetDatabase());
        }
    }

    private async Task ChangeAsync(IDatabase db)
    {
        var answers = Enumerable.Range(0, BatchSize).Select(_ => Change(db, random.Next(KeysCount))).ToList();
        await Task.WhenAll(answers);
    }

    private Task Change(IDatabase db, int number)
    {
        var (hash, set, text) = ($"h{number}", $"z{number}", $"s{number}");
        var value = new string((char)('a' + random.Next(26)), random.Next(1, 2_000));
        switch (random.Next(8))
        {
            case 0 or 1:
                var field = $"f{random.Next(8)}";
                Of(hashes, hash)[field] = value;
                return db.HashSetAsync(hash, field, value);
            case 2:
                var gone = $"f{random.Next(8)}";
                if (hashes.TryGetValue(hash, out var fields) && fields.Remove(gone) && fields.Count == 0)
                    hashes.Remove(hash);
                return db.HashDeleteAsync(hash, gone);
            case 3:
                hashes.Remove(hash);
                return db.KeyDeleteAsync(hash);
            case 4 or 5:
                var member = $"m{random.Next(20)}";
                Of(sets, set)[member] = number;
                return db.SortedSetAddAsync(set, member, number);
            case 6:
                strings[text] = value;
                return db.StringSetAsync(text, value);
            default:
                strings.Remove(text);
                return db.KeyDeleteAsync(text);
        }
    }

    private async Task CheckAsync(IDatabase db)
    {
        foreach (var (key, fields) in hashes)
            Assert.Equal(fields.OrderBy(f => f.Key), (await db.HashGetAllAsync(key)).ToStringDictionary().OrderBy(f => f.Key));
        foreach (var (key, members) in sets)
            Assert.Equal(members.OrderBy(m => m.Key), (await db.SortedSetRangeByRankWithScoresAsync(key)).ToStringDictionary().OrderBy(m => m.Key));
        foreach (var (key, value) in strings)
            Assert.Equal(value, await db.StringGetAsync(key));
        Assert.Equal(hashes.Count + sets.Count + strings.Count, (int)await db.ExecuteAsync("DBSIZE"));
    }

    private static Dictionary<string, T> Of<T>(Dictionary<string, Dictionary<string, T>> all, string key) =>
        all.TryGetValue(key, out var known) ? known : all[key] = [];
}
