using Backup.Protocol;

namespace Backup.Tests.Protocol;

public class RootedPathTests
{
    [Theory]
    [InlineData("")]
    [InlineData("/etc/passwd")]
    [InlineData("../x")]
    [InlineData("a/../../b")]
    [InlineData("a/..")]
    [InlineData("./a")]
    [InlineData("a/./b")]
    [InlineData("a//b")]
    [InlineData("a/")]
    [InlineData("..\\x")]
    [InlineData("a\\..\\..\\b")]
    [InlineData("a\0b")]
    [InlineData("lone \ud800 surrogate")]
    [InlineData("not UTF-8 \ufffd")]
    public void Is_refused_with_a_reason(string text)
    {
        var failure = Assert.Throws<FailureException>(() => RootedPath.Parse(text)).Failure;
        Assert.Equal(FailureCode.InvalidPath, failure.Code);
        Assert.DoesNotContain('\0', failure.Message);
    }

    [Fact]
    public void Lengths_are_bounded_as_the_file_systems_are()
    {
        Assert.True(RootedPath.TryParse(new string('a', 255), null, out _));
        Assert.False(RootedPath.TryParse(new string('a', 256), null, out _));
        Assert.False(RootedPath.TryParse(new string('ä', 128), null, out _));
        Assert.False(RootedPath.TryParse(string.Join('/', Enumerable.Repeat("a", 10_000)), null, out _));
    }

    [Theory]
    [InlineData("report.pdf")]
    [InlineData("a/b/c")]
    [InlineData("...")]
    [InlineData("-rf")]
    [InlineData("*?[x]{f:1}")]
    [InlineData("CON")]
    [InlineData("x:stream")]
    [InlineData("trailing ")]
    [InlineData("new\nline")]
    [InlineData("\u001b[31mred")]
    [InlineData("e\u0301")]
    [InlineData("%2e%2e/x")]
    public void Is_kept_exactly_as_it_is(string text) => Assert.Equal(text, RootedPath.Parse(text).Value);

    [Theory]
    [InlineData("new\nline", "new\\u000aline")]
    [InlineData("\u001b[31mred", "\\u001b[31mred")]
    [InlineData("abc\u202egpj", "abc\\u202egpj")]
    [InlineData("plain ä", "plain ä")]
    public void Cannot_drive_a_terminal(string text, string shown) => Assert.Equal(shown, RootedPath.Parse(text).Display);
}
