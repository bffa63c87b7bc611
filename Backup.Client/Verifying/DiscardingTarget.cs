using Backup.Protocol;

namespace Backup.Client;

/// <summary>Takes content and keeps none of it: that it arrived and matched its digests is what is wanted.</summary>
internal sealed class DiscardingTarget(Action<FileVersion, ManifestHead> complete, Action<FileVersion, Failure> failed) : IRestoreTarget
{
    public Stream? Begin(FileVersion version, ManifestHead head) => null;

    public void Complete(FileVersion version, ManifestHead head) => complete(version, head);

    public void Failed(FileVersion version, Failure failure) => failed(version, failure);
}
