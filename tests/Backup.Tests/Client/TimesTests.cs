using Backup.Client;
using Backup.Protocol;

namespace Backup.Tests.Client;

public sealed class TimesTests
{
    /// <summary>Tuesday, 24 November 2026, 15:30 in a zone two hours ahead.</summary>
    private sealed class Afternoon : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2026, 11, 24, 13, 30, 0, TimeSpan.Zero);

        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.CreateCustomTimeZone("test", TimeSpan.FromHours(2), null, null);
    }

    [Theory]
    [InlineData("now", "2026-11-24T13:30:00.000Z")]
    [InlineData("2026-11-24T10:00", "2026-11-24T08:00:00.000Z")]
    [InlineData("2026-11-24 10:00:05", "2026-11-24T08:00:05.000Z")]
    [InlineData("2026-11-24T10:00Z", "2026-11-24T10:00:00.000Z")]
    [InlineData("2026-11-24T10:00+05:00", "2026-11-24T05:00:00.000Z")]
    [InlineData("2026-11-20", "2026-11-20T21:59:59.999Z")]
    [InlineData("yesterday", "2026-11-23T21:59:59.999Z")]
    [InlineData("today", "2026-11-24T21:59:59.999Z")]
    [InlineData("3 days ago", "2026-11-21T13:30:00.000Z")]
    [InlineData("1 hour ago", "2026-11-24T12:30:00.000Z")]
    [InlineData("2h", "2026-11-24T11:30:00.000Z")]
    [InlineData("90min", "2026-11-24T12:00:00.000Z")]
    [InlineData(" 2 weeks ago ", "2026-11-10T13:30:00.000Z")]
    public void A_time_is_understood(string text, string expected) => Assert.Equal(expected, Times.Iso(Times.Parse(text, new Afternoon())));

    [Theory]
    [InlineData("")]
    [InlineData("soon")]
    [InlineData("2026-13-01")]
    [InlineData("24.11.2026")]
    [InlineData("-3 days ago")]
    [InlineData("3")]
    [InlineData("99999999999 days ago")]
    [InlineData("2147483647 years")]
    public void What_is_no_time_is_refused(string text) =>
        Assert.Equal(FailureCode.InvalidRequest, Assert.Throws<FailureException>(() => Times.Parse(text, new Afternoon())).Failure.Code);

    [Theory]
    [InlineData("90d", "2027-02-22T13:30:00.000Z")]
    [InlineData("1 hour", "2026-11-24T14:30:00.000Z")]
    [InlineData("2027-01-31", "2027-01-31T21:59:59.999Z")]
    [InlineData("today", "2026-11-24T21:59:59.999Z")]
    public void A_time_to_come_is_understood(string text, string expected) => Assert.Equal(expected, Times.Iso(Times.ParseUntil(text, new Afternoon())));

    [Theory]
    [InlineData("yesterday")]
    [InlineData("2 days ago")]
    [InlineData("2026-11-24T10:00")]
    [InlineData("now")]
    [InlineData("for ever")]
    public void What_is_not_to_come_is_refused(string text) =>
        Assert.Equal(FailureCode.InvalidRequest, Assert.Throws<FailureException>(() => Times.ParseUntil(text, new Afternoon())).Failure.Code);

    [Fact]
    public void A_time_is_shown_where_the_person_is() => Assert.Equal("2026-11-24 15:30:00", Times.Show(new Afternoon().GetUtcNow().ToUnixTimeMilliseconds(), new Afternoon()));

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(10 << 20, "10 MiB")]
    [InlineData(long.MaxValue, "8.0 EiB")]
    public void A_size_is_shown_with_the_digits_that_matter(long bytes, string expected) => Assert.Equal(expected, Sizes.Bytes(bytes));
}
