using Backup.Client;
using Backup.Protocol;

namespace Backup.Tests.Client;

public sealed class StoredPatternTests
{
    [Theory]
    [InlineData("*.pdf", "a.pdf", true)]
    [InlineData("*.pdf", "deep/down/a.pdf", true)]
    [InlineData("*.pdf", "a.pdf.txt", false)]
    [InlineData("photos/*.jpg", "photos/a.jpg", true)]
    [InlineData("photos/*.jpg", "photos/b/a.jpg", false)]
    [InlineData("photos/*.jpg", "other/photos/a.jpg", false)]
    [InlineData("photos/**/*.jpg", "photos/b/c/a.jpg", true)]
    [InlineData("photos/**/*.jpg", "photos/a.jpg", true)]
    [InlineData("**/b/*", "a/b/c", true)]
    [InlineData("notes.txt", "a/notes.txt", true)]
    [InlineData("/notes.txt", "a/notes.txt", false)]
    [InlineData("/notes.txt", "notes.txt", true)]
    [InlineData("./notes.txt", "notes.txt", true)]
    [InlineData("a?c", "abc", true)]
    [InlineData("[a-c]1", "b1", true)]
    [InlineData("#x", "#x", true)]
    [InlineData("*.PDF", "a.pdf", false)]
    public void A_pattern_finds_what_it_says(string pattern, string path, bool matches) => Assert.Equal(matches, new StoredPattern(pattern, false).Matches(path, isFolder: false));

    [Fact]
    public void A_slash_at_the_end_means_folders()
    {
        var pattern = new StoredPattern("cache/", false);
        Assert.True(pattern.Matches("a/cache", isFolder: true));
        Assert.False(pattern.Matches("a/cache", isFolder: false));
    }

    [Fact]
    public void Case_counts_unless_it_is_not_to()
    {
        var pattern = new StoredPattern("Photos/*.PDF", true);
        Assert.True(pattern.Matches("photos/a.pdf", isFolder: false));
        Assert.Equal("", pattern.Prefix);
    }

    [Theory]
    [InlineData("*.pdf", "")]
    [InlineData("notes.txt", "")]
    [InlineData("cache/", "")]
    [InlineData("/notes.txt", "")]
    [InlineData("photos/2020*/x", "photos/")]
    [InlineData("photos/2020/x", "photos/2020/")]
    [InlineData("/photos/2020/", "photos/")]
    [InlineData("a/b[c]/d", "a/")]
    [InlineData("**/x", "")]
    public void No_more_is_listed_than_can_match(string pattern, string prefix) => Assert.Equal(prefix, new StoredPattern(pattern, false).Prefix);

    [Theory]
    [InlineData(" ")]
    [InlineData("!x")]
    public void What_finds_nothing_or_all_else_is_no_pattern(string pattern) => Assert.Throws<FailureException>(() => new StoredPattern(pattern, false));
}
