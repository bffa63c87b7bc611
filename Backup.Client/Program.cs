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
try
{
    return await Cli.RunAsync(args, Surroundings.OfProcess(), stop.Token);
}
catch (FileNotFoundException e) when (e.FileName is null)
{
    // Everything else is told where it is known what was asked for; without a current folder not even that is.
    Console.Error.WriteLine("The current folder is not there any more. Go to another one, then try again.");
    return (int)ExitCode.Failed;
}
