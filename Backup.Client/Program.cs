using System.Runtime.CompilerServices;
using Backup.Client;

[assembly: InternalsVisibleTo("Backup.Tests")]
[assembly: InternalsVisibleTo("Backup.ClusterTests")]

StandardStreams.Fill();
using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    // Once: what is under way is brought to an end. Twice: the default, which ends the process.
    pressed.Cancel = !stop.IsCancellationRequested;
    stop.Cancel();
};
return await Cli.RunAsync(args, Surroundings.OfProcess(), stop.Token);
