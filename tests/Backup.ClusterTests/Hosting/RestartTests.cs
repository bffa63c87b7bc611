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
                Assert.Equal("+OK", await AskRedisAsync(first, "SET", "hosting:restart", "kept"));

            await using var second = await RunningCluster.StartAsync(directory.FullName, nodes: 2);
            Assert.Equal("$4", await AskRedisAsync(second, "GET", "hosting:restart"));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    /// <summary>The first line of the answer. A client library would be a reference for two commands.</summary>
    private static async Task<string?> AskRedisAsync(RunningCluster cluster, params string[] command)
    {
        var address = cluster.App.GetEndpoint("redis", "tcp");
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", address.Port);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"*{command.Length}\r\n" + string.Concat(command.Select(word => $"${word.Length}\r\n{word}\r\n"))));
        using var answer = new StreamReader(stream, Encoding.ASCII);
        return await answer.ReadLineAsync().WaitAsync(RunningCluster.PatienceMax);
    }
}
