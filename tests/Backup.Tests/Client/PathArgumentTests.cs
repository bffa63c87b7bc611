using Backup.Client;
using Backup.Protocol;

namespace Backup.Tests.Client;

public sealed class PathArgumentTests
{
    [Theory]
    // From a folder inside the root, as a shell means it.
    [InlineData("x", "/data/root/sub", "sub/x")]
    [InlineData("../x", "/data/root/sub", "x")]
    [InlineData(".", "/data/root/sub", "sub")]
    [InlineData("x/", "/data/root", "x")]
    // From elsewhere: what the shell completes, else relative to the root.
    [InlineData("root/x", "/data", "x")]
    [InlineData("report.pdf", "/elsewhere", "report.pdf")]
    [InlineData("a/./b/../c", "/elsewhere", "a/c")]
    // Absolute, under either name of the root.
    [InlineData("/data/root/x", "/", "x")]
    [InlineData("/home/me/root/x", "/", "x")]
    [InlineData("/data/root", "/", "")]
    [InlineData("..", "/data/root/sub", "")]
    [InlineData("-rf", "/elsewhere", "-rf")]
    public void Means_a_path_inside_the_root(string argument, string currentFolder, string expected) =>
        Assert.Equal(expected, PathArgument.Resolve(argument, "/data/root", "/home/me/root", currentFolder));

    [Theory]
    [InlineData("")]
    [InlineData("../x")]
    [InlineData("..")]
    [InlineData("a/../../b")]
    [InlineData("/etc/passwd")]
    [InlineData("/data/rootx")]
    [InlineData("/data/root/../other")]
    [InlineData("nul\0l")]
    [InlineData("back\\..\\x")]
    [InlineData("lone\ud800")]
    public void Outside_or_malformed_it_is_refused(string argument)
    {
        var e = Assert.Throws<FailureException>(() => PathArgument.Resolve(argument, "/data/root", "/data/root", "/elsewhere"));
        Assert.Equal(FailureCode.InvalidPath, e.Failure.Code);
        Assert.NotEmpty(e.Failure.Advice);
    }

    [Fact]
    public void Too_long_a_name_is_refused() =>
        Assert.Throws<FailureException>(() => PathArgument.Resolve(new string('a', 256), "/r", "/r", "/"));

    [Fact]
    public void The_whole_file_system_may_be_the_root() => Assert.Equal("etc/passwd", PathArgument.Resolve("/etc/passwd", "/", "/", "/home"));

    [Theory]
    [InlineData("a/link", "file", false)]
    [InlineData("a/link", "../b", false)]
    [InlineData("a/link", "..", false)]
    [InlineData("a/link", "/root/b", false)]
    [InlineData("a/link", "../../x", true)]
    [InlineData("link", "..", true)]
    [InlineData("link", "/etc/passwd", true)]
    [InlineData("link", "/rooted", true)]
    public void A_link_leads_outside_by_its_words(string link, string target, bool outside) =>
        Assert.Equal(outside, PathArgument.LeadsOutside(RootedPath.Parse(link), target, "/root"));
}
