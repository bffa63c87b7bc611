using Backup.Protocol;
using Backup.ServiceDefaults;
using Backup.Tests.Manager;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Backup.Tests.Access;

/// <summary>Access for tests that serve some of a server's routes themselves, with the key that all test processes share.</summary>
public static class TestAccess
{
    /// <summary>What a server needs to let processes of the cluster in; add UseAccess to its application. It knows no tokens.</summary>
    public static void AddTestAccess(this WebApplicationBuilder builder, string self)
    {
        builder.Configuration.AddInMemoryCollection([KeyValuePair.Create($"{SecurityOptions.Section}:{nameof(SecurityOptions.ClusterKey)}", (string?)ManagerProcess.KeyText)]);
        builder.AddAccess(self);
        builder.Services.AddSingleton(TimeProvider.System).AddSingleton<ITokens>(new NoTokens());
    }

    /// <summary>The network as that process has it, for calls that name whom they ask by id.</summary>
    public static Network NetworkOf(string self) => new PeerNetwork(Grants(self, TimeProvider.System), (uri, _) => throw new InvalidOperationException($"{uri} has no id here."));

    public static PeerGrants Grants(string self, TimeProvider time) => new(ClusterKey.Parse(ManagerProcess.KeyText), self, time);

    private sealed class NoTokens : ITokens
    {
        public Task<TokenCheckReply> CheckAsync(TokenCheckRequest request, CancellationToken ct) => Task.FromResult(new TokenCheckReply(TokenStanding.Unknown, Scope.None, null));
    }
}
