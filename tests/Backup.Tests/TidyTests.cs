using System.Text.RegularExpressions;

namespace Backup.Tests;

/// <summary>Style that a machine can hold: sizes, names, and who may use what.</summary>
public partial class TidyTests
{
    private const int FileLinesMax = 400;
    private const int MethodLinesMax = 60;

    internal static readonly string Root = FindRoot();

    public static TheoryData<string> Sources() => [.. Directory.EnumerateFiles(Root, "*.cs", SearchOption.AllDirectories)
        .Select(f => Path.GetRelativePath(Root, f).Replace('\\', '/'))
        .Where(f => !f.Split('/').Any(part => part is "obj" or "bin" or "artifacts" || part.StartsWith('.')))];

    [Theory, MemberData(nameof(Sources))]
    public void Files_and_methods_fit_a_screen(string file)
    {
        var lines = File.ReadAllLines(Path.Combine(Root, file));
        Assert.True(lines.Length <= FileLinesMax, $"{file} has {lines.Length} lines.");
        var start = 0;
        for (var i = 0; i < lines.Length; i++)
        {
            if (lines[i] is "    {")
                start = i;
            else if (lines[i] is "    }" && !lines[Math.Max(0, start - 1)].Contains(" class ") && !lines[Math.Max(0, start - 1)].Contains(" struct "))
                Assert.True(i - start <= MethodLinesMax, $"{file}:{start} is a method of {i - start} lines.");
        }
    }

    /// <summary>But for the stand-in of Aspire's API, whose names are Aspire's.</summary>
    [Theory, MemberData(nameof(Sources))]
    public void Nothing_is_named_after_its_kind(string file)
    {
        if (!file.StartsWith("Backup.LocalHosting/", StringComparison.Ordinal))
            Assert.DoesNotMatch(KindNames(), file);
    }

    [Theory, MemberData(nameof(Sources))]
    public void Only_the_managers_redis_folder_talks_to_redis(string file)
    {
        if (!file.StartsWith("Backup.Manager/Redis/", StringComparison.Ordinal) && !file.StartsWith("tests/", StringComparison.Ordinal))
            Assert.DoesNotContain("using StackExchange.Redis", File.ReadAllText(Path.Combine(Root, file)));
    }

    [Theory, MemberData(nameof(Sources))]
    public void Only_the_app_host_and_tests_touch_hosting(string file)
    {
        if (!file.StartsWith("Backup.AppHost/", StringComparison.Ordinal) && !file.StartsWith("Backup.LocalHosting/", StringComparison.Ordinal)
            && !file.StartsWith("tests/", StringComparison.Ordinal))
            Assert.DoesNotMatch(@"using (Backup\.LocalHosting|Aspire)", File.ReadAllText(Path.Combine(Root, file)));
    }

    /// <summary>A promise whose test was renamed or taken away is held by nobody.</summary>
    [Theory, InlineData("SECURITY.md"), InlineData("docs/reliability.md")]
    public void Tests_that_a_document_names_exist(string document)
    {
        var code = string.Concat(((IEnumerable<object[]>)Sources()).Select(row => (string)row[0]).Where(file => file.StartsWith("tests/", StringComparison.Ordinal)).Select(file => File.ReadAllText(Path.Combine(Root, file))));
        var named = TestNames().Matches(File.ReadAllText(Path.Combine(Root, document)));
        Assert.NotEmpty(named);
        Assert.All(named, name =>
        {
            Assert.Matches($@"class {name.Groups[1].Value}\b", code);
            if (name.Groups[2].Success)
                Assert.Matches($@"\b{name.Groups[2].Value}\(", code);
        });
    }

    [GeneratedRegex(@"`(?:\w+/)?(\w+Tests)(?:\.(\w+))?`")]
    private static partial Regex TestNames();

    [Fact]
    public void Every_script_is_used()
    {
        var scripts = Directory.GetFiles(Path.Combine(Root, "Backup.Manager/Redis/Scripts"), "*.lua").Select(f => Path.GetFileName(f)).ToList();
        Assert.NotEmpty(scripts);
        var code = string.Concat(Directory.GetFiles(Path.Combine(Root, "Backup.Manager"), "*.cs", SearchOption.AllDirectories).Select(File.ReadAllText));
        Assert.All(scripts, script => Assert.Contains(Path.GetFileNameWithoutExtension(script), code));
    }

    private static string FindRoot()
    {
        var at = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(at, "Backup.sln")))
            at = Path.GetDirectoryName(at) ?? throw new InvalidOperationException("Backup.sln is not above the tests.");
        return at;
    }

    [GeneratedRegex(@"(Helper|Util|Common|Misc|Service|Manager)s?\.cs$|/(Helpers|Utils|Common|Services|Managers)/")]
    private static partial Regex KindNames();
}
