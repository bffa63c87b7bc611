using System.Net.Sockets;
using System.Text;

namespace Backup.ClusterTests.Hosting;

/// <summary>A cluster that is started again on its directory finds its data.</summary>
public sealed class RestartTests
{
    [Fact]
    public async Task WhatWasWrittenIsThereAfterTheNextStart()
    {
        var directory = Directory.CreateTempSubdirectory("backup-cluster-");
        try
        {
            await using (var first = await RunningCluster.StartAsync(directory.FullName, nodes: 2))
            {
                Assert.Equal("+OK", await AskRedisAsync(first, "SET", "hosting:restart", "kept"));
                Assert.StartsWith("-NOAUTH", await AskRedisAsync(first, isTold: false, "GET", "hosting:restart"));
            }
            // As one from before Redis had a password.
            File.Delete(PasswordFile(directory.FullName));

            await using var second = await RunningCluster.StartAsync(directory.FullName, nodes: 2);
            Assert.Equal("$4", await AskRedisAsync(second, "GET", "hosting:restart"));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static string PasswordFile(string directory) => Path.Combine(directory, "redis.password");

    private static Task<string?> AskRedisAsync(RunningCluster cluster, params string[] command) => AskRedisAsync(cluster, isTold: true, command);

    /// <summary>The first line of the answer. A client library would be a reference for two commands.</summary>
    /// <param name="isTold">Whether Redis is told the password.</param>
    private static async Task<string?> AskRedisAsync(RunningCluster cluster, bool isTold, params string[] command)
    {
        var address = cluster.App.GetEndpoint("redis", "tcp");
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", address.Port);
        var stream = client.GetStream();
        using var answer = new StreamReader(stream, Encoding.ASCII);
        if (isTold)
            Assert.Equal("+OK", await AskAsync("AUTH", File.ReadAllText(PasswordFile(cluster.DataDirectory)).Trim()));
        return await AskAsync(command);

        async Task<string?> AskAsync(params string[] words)
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"*{words.Length}\r\n" + string.Concat(words.Select(word => $"${word.Length}\r\n{word}\r\n"))));
            return await answer.ReadLineAsync().WaitAsync(RunningCluster.PatienceMax);
        }
    }
}
