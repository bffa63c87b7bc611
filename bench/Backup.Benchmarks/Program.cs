using Backup.Benchmarks;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

// What single parts cost. They measure and decide nothing: no test depends on them.
//   dotnet run -c Release --project bench/Backup.Benchmarks -- --filter '*Chunker*'   some of them, in full
//   dotnet run -c Release --project bench/Backup.Benchmarks -- short                  all of them, once and short, as CI does
//   dotnet run -c Release --project bench/Backup.Benchmarks -- million DIR            opening a node that holds a million chunks
//   dotnet run -c Release --project bench/Backup.Benchmarks -- growth                 placing, listing and looking up with a thousand files and with a million
if (args is ["growth", .. var files])
    return await Growth.RunAsync(files is [var most] ? int.Parse(most) : 1_000_000);
if (args is ["million", var directory, .. var count])
    return await MillionChunks.RunAsync(directory, count is [var number] ? int.Parse(number) : 1_000_000);

var isShort = args is ["short", ..];
// In this process: a project made for the occasion would come under this repository's own build rules.
var job = (isShort ? Job.Dry : Job.ShortRun).WithToolchain(InProcessEmitToolchain.Instance);
var config = ManualConfig.CreateEmpty().AddJob(job).AddLogger(ConsoleLogger.Default).AddColumnProvider(DefaultColumnProviders.Instance)
    .AddExporter(BenchmarkDotNet.Exporters.MarkdownExporter.GitHub);
var summaries = BenchmarkSwitcher.FromAssembly(typeof(ChunkerBenchmarks).Assembly).Run(isShort ? ["--filter", "*", .. args[1..]] : args, config);
return summaries.Any(summary => summary.HasCriticalValidationErrors || summary.Reports.Any(report => !report.Success)) ? 1 : 0;
