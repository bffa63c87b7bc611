using Backup.Protocol;

namespace Backup.Client;

/// <summary>Takes versions into a private folder, whence they can be sent. It vanishes with what is in it.</summary>
/// <param name="failed">Is told of each version that cannot be had.</param>
internal sealed class FetchedFiles : IRestoreTarget, IDisposable
{
    private readonly string folder;
    private readonly Action<FileVersion, Failure> failed;
    private readonly List<SourceFile> sources = [];

    public FetchedFiles(string folder, Action<FileVersion, Failure> failed)
    {
        (this.folder, this.failed) = (folder, failed);
        // What a run that was killed left there is nobody's.
        Clear();
        PrivateFile.MakeFolder(folder);
    }

    /// <summary>What arrived, in the order of the paths.</summary>
    public IReadOnlyList<SourceFile> Sources => [.. sources.OrderBy(source => source.Path.Value, PathOrder.Instance)];

    public Stream? Begin(FileVersion version, ManifestHead head)
    {
        if (head.Kind != VersionKind.File)
            return null;
        try
        {
            return new FileStream(PathOf(version), FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new Failure(FailureCode.LocalFailed, $"'{folder}' cannot be written: {e.Message.TrimEnd('.')}.", folder,
                "Check the free space there, or set XDG_CACHE_HOME.").Exception(e);
        }
    }

    public void Complete(FileVersion version, ManifestHead head)
    {
        var path = PathOf(version);
        Func<Stream>? open = head.Kind == VersionKind.File ? () => new FileStream(path, FileMode.Open, FileAccess.Read) : null;
        sources.Add(new SourceFile(version.Path, head.Kind, head.SizeBytes, head.MtimeNs, head.Mode, head.LinkTarget, open));
    }

    public void Failed(FileVersion version, Failure failure) => failed(version, failure);

    public void Dispose() => Clear();

    /// <summary>By their places, not their versions: those number the versions of one path only.</summary>
    private string PathOf(FileVersion version) => Path.Join(folder, $"{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(version.Path.Value)))}");

    private void Clear()
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }
}
