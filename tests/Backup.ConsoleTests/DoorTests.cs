using System.Net;

namespace Backup.ConsoleTests;

/// <summary>Who does not come in, and what the browser is told to do and not to do. Without a browser: it would do as it is told.</summary>
[Collection(ConsoleCollection.Name)]
public sealed class DoorTests(ConsoleFixture console)
{
    [SkippableTheory]
    [InlineData("/console/zip?folder=")]
    [InlineData("/console/download?path=letters/report.pdf&version=1")]
    [InlineData("/_blazor/negotiate")]
    public async Task Without_the_cookie_there_is_nothing(string path)
    {
        using var http = Client();
        using var answer = await http.SendAsync(new HttpRequestMessage(path.StartsWith("/_blazor") ? HttpMethod.Post : HttpMethod.Get, path));
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
    }

    [SkippableFact]
    public async Task A_page_without_the_cookie_leads_to_the_sign_in_page_and_back()
    {
        using var http = Client();
        http.DefaultRequestHeaders.Add("Accept", "text/html");
        using var page = await http.GetAsync("/console/files");
        Assert.Equal("/console/sign-in?to=%2Fconsole%2Ffiles", page.Headers.Location?.OriginalString);
        using var signedIn = await http.GetAsync(page.Headers.Location);
        Assert.EndsWith("/console/files", signedIn.Headers.Location?.OriginalString);
        var cookie = Assert.Single(signedIn.Headers.GetValues("Set-Cookie"), value => value.StartsWith("backup-console=", StringComparison.Ordinal));
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=strict", cookie, StringComparison.OrdinalIgnoreCase);
        var policy = Assert.Single(signedIn.Headers.GetValues("Content-Security-Policy"));
        Assert.Contains("default-src 'self'", policy);
        Assert.DoesNotContain("script-src", policy);
    }

    /// <summary>With the cookie, as a browser would send it if it were not told otherwise, and without what stands in our own forms.</summary>
    [SkippableTheory]
    [InlineData("/console/sign-in", "typed=00000000000000000000000000000001")]
    [InlineData("/console/sign-out", "")]
    public async Task A_form_of_somebody_elses_is_refused(string path, string body)
    {
        using var http = Client();
        using var signedIn = await http.GetAsync("/console/sign-in");
        Assert.Equal(HttpStatusCode.Found, signedIn.StatusCode);
        using var answer = await http.PostAsync(path, new StringContent(body, null, "application/x-www-form-urlencoded"));
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.False(answer.Headers.Contains("Set-Cookie"));
    }

    /// <summary>A page elsewhere may have its own name lead to 127.0.0.1: it comes from this machine, under a name that is not its own.</summary>
    [SkippableFact]
    public async Task Under_a_strange_name_nobody_is_let_in_without_a_question()
    {
        using var http = Client();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/console/sign-in") { Headers = { Host = "evil.example" } };
        using var answer = await http.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.DoesNotContain("backup-console=", string.Concat(answer.Headers.TryGetValues("Set-Cookie", out var cookies) ? cookies : []));
    }

    [SkippableTheory]
    [InlineData("https://evil.example")]
    [InlineData("//evil.example")]
    [InlineData("/console//evil.example")]
    [InlineData("/\\evil.example")]
    public async Task The_sign_in_page_leads_nowhere_else(string to)
    {
        using var http = Client();
        using var answer = await http.GetAsync($"/console/sign-in?to={Uri.EscapeDataString(to)}");
        Assert.EndsWith("/console", answer.Headers.Location?.OriginalString);
    }

    private HttpClient Client()
    {
        Skip.If(console.Browser is null, "No chromium: apt-get install chromium");
        return new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = console.Manager };
    }
}
