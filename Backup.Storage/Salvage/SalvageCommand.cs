namespace Backup.Storage.Salvage;

/// <summary>Interim.</summary>
public static class SalvageCommand
{
    public static Task<int> RunAsync(string[] args, TextWriter output, TextWriter error, CancellationToken ct) => throw new NotSupportedException();
}
