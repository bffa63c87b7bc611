using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Backup.LocalHosting;

/// <summary>The configuration the AppHost was built in, and so the projects it refers to: Debug or Release.</summary>
internal sealed record BuildConfiguration(string Name);

/// <summary>Where a project's program lies once it is built. Building the AppHost builds what it refers to.</summary>
internal static class ProjectBinary
{
    public static ProcessStartInfo Command(string projectPath, BuildConfiguration configuration, IEnumerable<string> args)
    {
        var directory = Path.GetDirectoryName(projectPath)!;
        var program = Path.Combine(
            directory, "bin", configuration.Name, $"net{Environment.Version.Major}.{Environment.Version.Minor}", Path.GetFileNameWithoutExtension(projectPath) + ".dll");
        if (!File.Exists(program))
            throw new DistributedApplicationException($"{program} is missing: build the solution first (dotnet build).");

        // Where it runs decides which appsettings.json it reads: its project's own, as with Aspire.
        var command = ChildProcess.Command(Dotnet(), [program, .. args]);
        command.WorkingDirectory = directory;
        return command;
    }

    /// <summary>The <c>dotnet</c> that runs this process, for the one on the path may be another or missing.</summary>
    private static string Dotnet()
    {
        var name = OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet";
        // …/dotnet/shared/Microsoft.NETCore.App/10.0.0/
        var own = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", name));
        return File.Exists(own) ? own : name;
    }
}
