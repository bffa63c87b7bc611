using Backup.Protocol;

namespace Backup.Client;

/// <summary>The timer and the service of one root, in the user's own folder of systemd units.</summary>
internal sealed class Schedule(Surroundings surroundings, ScheduledCommand command)
{
    public string Name => command.Name;

    public string ServicePath => Path.Join(Folder, command.Name + ".service");

    public string TimerPath => Path.Join(Folder, command.Name + ".timer");

    public bool Exists => File.Exists(TimerPath);

    /// <summary>Beside our own configuration folder, as the XDG specification has it.</summary>
    private string Folder => Path.Join(Path.GetDirectoryName(UserFolders.Configuration(surroundings)), "systemd", "user");

    public void Write(string service, string timer)
    {
        PrivateFile.Write(ServicePath, System.Text.Encoding.UTF8.GetBytes(service));
        PrivateFile.Write(TimerPath, System.Text.Encoding.UTF8.GetBytes(timer));
    }

    public void Remove()
    {
        try
        {
            File.Delete(TimerPath);
            File.Delete(ServicePath);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new Failure(FailureCode.LocalFailed, $"'{TimerPath}' cannot be removed: {e.Message.TrimEnd('.')}.", TimerPath, "Make its folder writable.").Exception(e);
        }
    }

    public IEnumerable<string> NextSteps() =>
    [
        $"wrote {TimerPath}",
        $"wrote {ServicePath}",
        $"start it now:             systemctl --user daemon-reload && systemctl --user enable --now {Name}.timer",
        "run also while logged out: loginctl enable-linger",
        $"see how it went:          journalctl --user -u {Name}",
    ];
}
