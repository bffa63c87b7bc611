using Backup.Manager.Redis;

namespace Backup.Manager;

/// <summary>Gives back the counts of places that were never committed.</summary>
public sealed class Reservations(Metadata metadata, TimeProvider time)
{
    /// <summary>The background duty, see <see cref="ReservationExpiry"/>.</summary>
    public const string Duty = "expire-reservations";

    /// <summary>Which reservations have expired: members, at most so many.</summary>
    public Task<string[]> ExpiredAsync(int most, CancellationToken ct) =>
        metadata.ReadUpToAsync(Keys.Reservations, time.GetUtcNow().ToUnixTimeMilliseconds(), most, ct);

    /// <summary>Gives one back if it is still there and still expired.</summary>
    /// <param name="token">The fencing token of the duty; null where a place needs the counts to be true.</param>
    /// <returns>False when the duty has passed to another manager.</returns>
    public async Task<bool> ExpireAsync(string member, long? token, CancellationToken ct)
    {
        var call = new ScriptCall(Script.ExpireReservation)
            .Key(Keys.Reservation(member), Keys.Reservations, Keys.Reserved, Keys.Loads, Keys.Candidates, Keys.Duty(Duty))
            .Arg(time.GetUtcNow().ToUnixTimeMilliseconds()).Arg(member);
        var reply = await metadata.RunAsync(token is { } number ? call.Arg(number) : call.Arg("-"), ct);
        return reply[0].Text == "ok";
    }
}
