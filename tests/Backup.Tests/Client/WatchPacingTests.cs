using Backup.Client;

namespace Backup.Tests.Client;

/// <summary>When a watched root is looked at, by a clock that the test holds.</summary>
public sealed class WatchPacingTests
{
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Every = TimeSpan.FromHours(1);

    private readonly WatchPacing pacing = new(Settle, Every);

    [Fact]
    public void Without_changes_a_full_pass_is_due_now_and_then()
    {
        pacing.PassEnded(At(10), At(0));
        Assert.Equal(At(10) + Every, pacing.DueAt());
    }

    [Fact]
    public void A_change_waits_for_silence_and_each_further_one_moves_that()
    {
        pacing.PassEnded(At(10), At(0));
        pacing.Changed(At(20));
        Assert.Equal(At(25), pacing.DueAt());
        pacing.Changed(At(23));
        Assert.Equal(At(28), pacing.DueAt());
    }

    [Fact]
    public void A_file_that_is_written_to_all_the_time_does_not_wait_for_ever()
    {
        pacing.PassEnded(At(10), At(0));
        for (var second = 20; second < 200; second++)
            pacing.Changed(At(second));
        Assert.Equal(At(20) + 10 * Settle, pacing.DueAt());
    }

    [Fact]
    public void What_changes_during_a_pass_is_for_the_next()
    {
        pacing.Changed(At(20));
        pacing.PassBegins();
        pacing.Changed(At(26));
        pacing.PassEnded(At(27), At(1));
        // Nine times what looking took, which is later than the silence.
        Assert.Equal(At(36), pacing.DueAt());
    }

    [Fact]
    public void After_looking_for_hours_a_change_waits_some_minutes()
    {
        pacing.PassBegins();
        pacing.Changed(At(7000));
        pacing.PassEnded(At(7200), At(7200));
        Assert.Equal(At(7200) + WatchPacing.RestMax, pacing.DueAt());
    }

    [Fact]
    public void A_pass_that_failed_is_made_again_after_a_silence()
    {
        pacing.PassBegins();
        pacing.PassFailed(At(100), At(0));
        Assert.Equal(At(105), pacing.DueAt());
    }

    [Fact]
    public void A_blind_watch_looks_every_five_minutes_or_as_often_as_it_was_told()
    {
        pacing.PassEnded(At(0), At(0));
        pacing.IsBlind = true;
        Assert.Equal(WatchPacing.BlindEvery, pacing.DueAt());
        Assert.Equal(At(60), new WatchPacing(Settle, At(60)) { IsBlind = true }.DueAt());
    }

    private static TimeSpan At(int seconds) => TimeSpan.FromSeconds(seconds);
}
