using System.Diagnostics;
using System.Globalization;
using Backup.Fuzz;

// seeds TARGET FOLDER     writes what to begin with
// random TARGET SECONDS   mutations from a seed, without coverage
// afl TARGET              under afl-fuzz: takes inputs until it is ended
switch (args)
{
    case ["seeds", var target, var folder]:
        Directory.CreateDirectory(folder);
        foreach (var (bytes, i) in Targets.Seeds(target).Select((bytes, i) => (bytes, i)))
            File.WriteAllBytes(Path.Join(folder, $"seed-{i}"), bytes);
        return 0;
    case ["random", var target, var seconds]:
        var end = Stopwatch.StartNew();
        var runs = 0L;
        var seeds = Targets.Seeds(target).ToArray();
        for (var seed = 1; end.Elapsed < TimeSpan.FromSeconds(int.Parse(seconds, CultureInfo.InvariantCulture)); seed++)
        {
            var mutator = new Mutator(seed);
            for (var i = 0; i < 100; i++, runs++)
                Targets.All[target](mutator.Next(seeds[seed % seeds.Length]));
        }
        Console.WriteLine($"{target}: {runs} executions in {end.Elapsed.TotalSeconds:F0} s, nothing found");
        return 0;
    case ["afl", var target]:
        SharpFuzz.Fuzzer.OutOfProcess.Run(stream =>
        {
            using var copy = new MemoryStream();
            stream.CopyTo(copy);
            Targets.All[target](copy.ToArray());
        });
        return 0;
    default:
        Console.Error.WriteLine($"Targets: {string.Join(", ", Targets.All.Keys)}. See CONTRIBUTING.md.");
        return 2;
}
