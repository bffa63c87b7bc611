using Backup.Protocol;

namespace Backup.Client;

/// <summary>The key of the session's client: made, fetched, wrapped anew. It is kept in clients.json: the files it protects lie on this machine as they are.</summary>
internal sealed class Unlocking(Session session)
{
    /// <summary>Only one that has nothing stored can begin: what is there already would stay readable, and be mistaken for encrypted.</summary>
    /// <returns>The recovery key, which is shown once.</returns>
    public async Task<Secret> BeginAsync(string passphrase, CancellationToken ct)
    {
        var cluster = session.ConnectForKey(makeClient: true);
        var stored = await cluster.AskAsync(node => node.ListAsync(cluster.Client, new ListRequest("", null, 1), ct), ct);
        if (stored.Files.Length > 0 || stored.Sequence > 0)
        {
            throw new Failure(FailureCode.AlreadyExists, $"Client {cluster.Client} has files stored already, and encryption begins with the first.", "client",
                $"Pass a new id, --client {ClientId.New()}, to begin anew beside them; or, if they are encrypted, `key unlock`.").Exception();
        }
        var (masterKey, recoveryKey) = (Secret.New(), Secret.New());
        var file = KeyFile.Wrap(cluster.Client, masterKey, passphrase, recoveryKey);
        // Here first: a stored key that nobody can open would be in the way of the next attempt.
        Identities.KeepKey(session.Surroundings, cluster.Client, masterKey);
        await new StoredKey(cluster).WriteAsync(file, ct);
        return recoveryKey;
    }

    /// <summary>From a file that was stored as the client's key, with no cluster.</summary>
    /// <exception cref="FailureException">It is none, or cannot be opened so.</exception>
    public void UnlockFrom(string path, Func<KeyFile, Secret?> open, string what)
    {
        try
        {
            var bytes = File.ReadAllBytes(path);
            var file = KeyFile.TryParse(bytes, null) ?? throw new Failure(FailureCode.KeyNeeded, $"'{RootedPath.Escape(path)}' is no client's key.", "client",
                $"Name the file that is stored as {EncryptedClients.KeyPath}; `salvage` writes it out.").Exception();
            var masterKey = open(file) ?? throw new Failure(FailureCode.KeyNeeded, $"The {what} does not open the key of client {file.Client}.", "client", "Type it again, or name an earlier version of the file.").Exception();
            Identities.KeepKey(session.Surroundings, file.Client, masterKey);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new Failure(FailureCode.LocalFailed, $"'{RootedPath.Escape(path)}' cannot be read: {e.Message.TrimEnd('.')}.", path, "Name a file that this user may read.").Exception(e);
        }
    }

    /// <param name="open">Tries to open what is stored.</param>
    /// <exception cref="FailureException">It cannot be opened so.</exception>
    public async Task UnlockAsync(Func<KeyFile, Secret?> open, string what, long? version, CancellationToken ct)
    {
        var cluster = session.ConnectForKey(makeClient: false);
        var (file, stored) = await new StoredKey(cluster).ReadAsync(version, ct);
        var masterKey = open(file) ?? throw new Failure(FailureCode.KeyNeeded, $"The {what} does not open the key of client {cluster.Client}.", "client",
            $"Type it again. The key was stored on {Times.Show(stored.TimeMs, session.Surroundings.Time)} as version {stored.Version}; with --version N an earlier one is tried.").Exception();
        Identities.KeepKey(session.Surroundings, cluster.Client, masterKey);
    }

    /// <summary>Stores the key wrapped anew. What was stored before stays a version, and can be opened as it could be.</summary>
    /// <exception cref="FailureException">This machine does not have the key.</exception>
    public async Task RewrapAsync(Func<KeyFile, Secret, KeyFile> wrap, CancellationToken ct)
    {
        var cluster = session.ConnectForKey(makeClient: false);
        var masterKey = Identities.Key(session.Surroundings, cluster.Client) ?? throw EncryptedClients.KeyNeeded(cluster.Client).Exception();
        var (file, _) = await new StoredKey(cluster).ReadAsync(null, ct);
        await new StoredKey(cluster).WriteAsync(wrap(file, masterKey), ct);
    }

    public static async Task<string> NewPassphraseAsync(Session session, string variable, CancellationToken ct)
    {
        var passphrase = await PassphraseAsync(session, variable, "The new passphrase?", ct);
        if (passphrase.Length < PassphraseCharsMin)
            throw Failure.InvalidRequest($"A passphrase has at least {PassphraseCharsMin} characters: five words do well.").Exception();
        if (session.Surroundings.Variable(variable) is null && await PassphraseAsync(session, variable, "Once more?", ct) != passphrase)
            throw Failure.InvalidRequest("The two passphrases differ.").Exception();
        return passphrase;
    }

    /// <summary>From the environment, or asked for without showing it. Never an argument: those are seen by everybody on the machine.</summary>
    public static async Task<string> PassphraseAsync(Session session, string variable, string question, CancellationToken ct)
    {
        if (session.Surroundings.Variable(variable) is { } given)
            return given;
        if (!session.Surroundings.IsTerminal || session.Choices.Json)
            throw new Failure(FailureCode.InvalidRequest, $"Nobody can be asked: {variable} is not set.", "client", $"Set {variable} in the environment, or run it in a terminal.").Exception();
        return await new Screen(session.Console).AskSecretAsync(question, ct);
    }

    /// <summary>ASVS 5.0 asks for 8 where guesses are limited. Here they are not: whoever has the file guesses as long as he likes.</summary>
    private const int PassphraseCharsMin = 12;
}
