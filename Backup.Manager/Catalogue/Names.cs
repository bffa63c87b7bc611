using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Backup.Manager.Redis;
using Backup.Protocol;

namespace Backup.Manager;

/// <summary>The ordered names of each client's files, in Redis in leaves of bounded size, see <see cref="NameLeaves"/>.</summary>
public sealed class Names(Metadata metadata)
{
    /// <summary>Clients whose leaves are remembered. All are forgotten when there are more: reading one again takes a call.</summary>
    private const int ClientsKnownMax = 1_000;

    /// <summary>Leaves read by one call: a page of 1,000 names lies in two to four full ones.</summary>
    private const int LeavesPerCallMax = 8;

    /// <summary>Times a call is made again because leaves moved meanwhile. Each time somebody else got on; beyond this something is wrong.</summary>
    private const int AttemptsMax = 20;

    private readonly ConcurrentDictionary<ClientId, NameLeaves> known = new();

    /// <summary>Some names in the order of their bytes, and the client's generation from before they were read.</summary>
    /// <param name="from">Inclusive, or exclusive with <paramref name="after"/>.</param>
    /// <param name="prefix">Only names that start so.</param>
    /// <returns>Fewer than <paramref name="most"/> only at the end.</returns>
    public async Task<(string[] Names, long Generation)> ReadAsync(
        ClientId client, byte[] from, bool after, byte[] prefix, int most, CancellationToken ct)
    {
        var names = new List<string>();
        long? generation = null;
        var (leaves, attempt) = (await LeavesAsync(client, ct), 0);
        // No name has this byte: behind it are none that start so.
        byte[] behind = [.. prefix, 0xFF];
        byte[] to = prefix.Length == 0 ? [(byte)'+'] : [(byte)'(', .. behind];
        var pending = new Queue<int>(leaves.Between(from, behind));
        while (pending.Count > 0 && names.Count < most)
        {
            var call = new ScriptCall(Script.PageNames) { Count = most - names.Count }.Key(Keys.Seq(client), Keys.Leaves(client));
            var reading = Math.Min(pending.Count, LeavesPerCallMax);
            foreach (var leaf in pending.Take(reading))
                call.Key(Keys.Leaf(client, leaf));
            var reply = await metadata.RunAsync(
                call.Arg(leaves.Count).Arg(leaves.Last).Arg([(byte)(after ? '(' : '['), .. from]).Arg(to).Arg(most - names.Count), ct);
            if (reply[0].Text == "moved")
            {
                leaves = await MovedAsync(client, attempt++, ct);
                pending = new Queue<int>(leaves.Between(from, behind));
                continue;
            }
            generation ??= reply[1].Number;
            var read = reply[2].Texts;
            names.AddRange(read);
            if (read.Length > 0)
                (from, after) = (Encoding.UTF8.GetBytes(read[^1]), true);
            for (var i = 0; i < reading; i++)
                pending.Dequeue();
        }
        return ([.. names], generation ?? 0);
    }

    /// <summary>The leaves as far as this manager knows them.</summary>
    public async Task<NameLeaves> LeavesAsync(ClientId client, CancellationToken ct) =>
        known.TryGetValue(client, out var leaves) ? leaves : await ReadLeavesAsync(client, NameLeaves.None, ct);

    /// <summary>The leaves anew, after a script has said that they moved.</summary>
    public Task<NameLeaves> MovedAsync(ClientId client, int attempt, CancellationToken ct)
    {
        if (attempt >= AttemptsMax)
            throw new Failure(FailureCode.Busy, "The names of this client are being rearranged.", "manager", "Try again.").Exception();
        // At first only what is new is read; where that did not help, Redis may have been restored to an earlier state.
        return ReadLeavesAsync(client, attempt == 0 && known.TryGetValue(client, out var leaves) ? leaves : NameLeaves.None, ct);
    }

    /// <summary>Splits leaves that have grown too large. A failure here harms nothing: the next name in such a leaf tries again.</summary>
    /// <param name="large">As scripts report them: "leaf names", the leaf an index into the call's keys.</param>
    public async Task SplitAsync(ClientId client, IEnumerable<string> large, LeafKeys leafKeys, CancellationToken ct)
    {
        foreach (var leaf in large.Select(text => text.Split(' ')))
        {
            var (key, size) = (leafKeys[int.Parse(leaf[0], CultureInfo.InvariantCulture)], long.Parse(leaf[1], CultureInfo.InvariantCulture));
            var leaves = await LeavesAsync(client, ct);
            var parts = (int)Math.Min((size + NameLeaves.NamesTarget - 1) / NameLeaves.NamesTarget, LeavesPerCallMax);
            var call = new ScriptCall(Script.SplitNames) { Count = (int)size }.Key(Keys.Leaves(client), key).Arg(leaves.Count).Arg(leaves.Last);
            for (var part = 1; part < parts; part++)
                call.Key(Keys.Leaf(client, leaves.Count + part)).Arg(RandomNumberGenerator.GetHexString(16, lowercase: true));
            await metadata.RunAsync(call, ct);
            await ReadLeavesAsync(client, leaves, ct);
        }
    }

    private async Task<NameLeaves> ReadLeavesAsync(ClientId client, NameLeaves old, CancellationToken ct)
    {
        var leaves = old.With(await metadata.ReadListAsync(Keys.Leaves(client), old.Count, ct));
        if (known.Count >= ClientsKnownMax)
            known.Clear();
        known[client] = leaves;
        return leaves;
    }
}
