using System.CommandLine;
using Backup.Protocol;

namespace Backup.Client;

/// <summary>The options that make a policy; what is not given stands as in backup.json.</summary>
internal sealed class RetentionOptions
{
    private readonly Option<int?> last = Keep("last", "The last N snapshots");
    private readonly Option<int?> hourly = Keep("hourly", "The last of each of N hours");
    private readonly Option<int?> daily = Keep("daily", "The last of each of N days");
    private readonly Option<int?> weekly = Keep("weekly", "The last of each of N weeks, from Monday on");
    private readonly Option<int?> monthly = Keep("monthly", "The last of each of N months");
    private readonly Option<int?> yearly = Keep("yearly", "The last of each of N years");

    public IEnumerable<Option> All => [last, hourly, daily, weekly, monthly, yearly];

    public RetentionPolicy Read(Invocation run) => Over(run.Session.Settings.Retention ?? new RetentionPolicy(), run);

    /// <summary>Only what the options say.</summary>
    public RetentionPolicy Given(Invocation run) => Over(new RetentionPolicy(), run);

    private RetentionPolicy Over(RetentionPolicy file, Invocation run)
    {
        return new RetentionPolicy(Of(last, file.Last), Of(hourly, file.Hourly), Of(daily, file.Daily), Of(weekly, file.Weekly),
            Of(monthly, file.Monthly), Of(yearly, file.Yearly));

        int Of(Option<int?> option, int otherwise) => run.Parsed.GetValue(option) ?? otherwise;
    }

    private static Option<int?> Keep(string what, string description) => new("--keep-" + what) { Description = description, HelpName = "N" };
}
