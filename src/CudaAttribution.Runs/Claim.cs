using System.Text;
using System.Text.Json.Nodes;

namespace CudaAttribution.Runs;

/// <summary>
/// The one answer to "is this folder mine?": while it is held no other process works on the folder, and what the folder is for stands in a
/// description that must be the same whenever work on it goes on.
/// </summary>
/// <remarks>
/// The lock file <c>.NAME.lock</c> is locked by the system, which frees it when a process ends however it ends. Where several machines share a folder
/// and the file system does not pass locks on, the lease in the file decides: its holder renews it, and another machine takes over only when it has
/// run out. Clocks that differ by more than the lease defeat it, and so do two such machines that make the same new lock file within one write of it;
/// the one that was overwritten learns of it by <see cref="Lost"/>, and before it publishes by <see cref="EnsureHeld"/>.
/// </remarks>
public sealed class Claim : IDisposable
{
    /// <summary>How long a holder on another machine is believed to live after its last sign.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(60);

    // Of two machines that find the same lease run out, both have written when this has passed, and the one that wrote last has it.
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(1);

    private readonly RunFolder _folder;
    private readonly string _file, _lockPath;
    private readonly FileStream _lock;
    private readonly CancellationTokenSource _lost = new();
    private Timer? _renewal;
    private DateTimeOffset _renewed;
    private bool _disposed;

    private Claim(RunFolder folder, string file, FileStream held) =>
        (_folder, _file, _lock, _lockPath) = (folder, file, held, LockPath(folder.Root, file));

    /// <summary>True where the folder held this description before: an earlier run is continued.</summary>
    public bool Resumed { get; private set; }

    /// <summary>Tells this claim from every other one.</summary>
    public string Nonce { get; } = Guid.NewGuid().ToString("N");

    /// <summary>Cancelled when another machine has taken the folder over, because this one gave no sign for as long as the lease.</summary>
    public CancellationToken Lost => _lost.Token;

    /// <summary>Takes the folder and settles what it is for: writes the description, or checks the one that is there.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="file">Name of the description's file.</param>
    /// <param name="description">What decides the folder's content, as <see cref="Json"/> writes it.</param>
    /// <param name="what">What the folder would hold, for messages: <c>demo</c>.</param>
    /// <exception cref="UserException">Another process has the folder, or it is for something else; the message names the differences.</exception>
    public static Claim Take<T>(RunFolder folder, string file, T description, string what)
    {
        var claim = Lock(folder, file);
        try
        {
            if (!claim.Check(description, what)) claim.Write(description);
            return claim;
        }
        catch
        {
            claim.Dispose();
            throw;
        }
    }

    /// <summary>Takes the folder without looking at its description.</summary>
    /// <exception cref="UserException">Another process has the folder.</exception>
    public static Claim Lock(RunFolder folder, string file)
    {
        if (TryLock(folder, file) is { } claim) return claim;
        string who = HolderOf(folder.Root, file) is { } holder ? $"another process ({holder})" : "another process";
        throw new UserException($"{who} is at work on this folder", "Wait for it, or name another folder.", folder.Root);
    }

    /// <summary>Takes the folder, or returns null where another process has it.</summary>
    /// <exception cref="UserException">The lock file cannot be opened for another reason.</exception>
    public static Claim? TryLock(RunFolder folder, string file)
    {
        string path = LockPath(folder.Root, file);
        while (Open(path) is { } held)
        {
            try
            {
                var before = ClaimHolder.Parse(ReadAll(held));
                bool elsewhere = before is { IsOnThisMachine: false };
                if (elsewhere && before!.LastSign < Lease) break;
                var claim = new Claim(folder, file, held);
                claim.Sign();
                if (elsewhere) Thread.Sleep(Settling);
                // A holder removes its file before it lets go: a file opened just before that is locked by us and has no name any more.
                if (claim.IsNamed())
                {
                    claim._renewal = new Timer(_ => claim.Renew(), null, Lease / 4, Lease / 4);
                    held = null;
                    return claim;
                }
            }
            finally
            {
                held?.Dispose();
            }
        }
        return null;
    }

    /// <summary>Who has the folder, as far as the lock file says; null where nobody seems to.</summary>
    public static ClaimHolder? HolderOf(string folder, string file)
    {
        string? text = ReadNamed(LockPath(folder, file));
        return text is not null && ClaimHolder.Parse(text) is { } holder && holder.SeemsAlive ? holder : null;
    }

    /// <summary>Whether the folder is described already.</summary>
    /// <returns>True where it holds this description, false where it has none.</returns>
    /// <exception cref="UserException">It holds another.</exception>
    public bool Check<T>(T description, string what)
    {
        if (!_folder.Has(_file)) return false;
        var wanted = JsonNode.Parse(Json.Write(description));
        var found = Json.Parse<JsonNode>(Json.ReadText(_folder.Path(_file), $"description of {what}"), _folder.Path(_file), $"description of {what}");
        if (!JsonNode.DeepEquals(found, wanted))
        {
            string differences = string.Join("; ", JsonDifference.Between(found, wanted).Take(4));
            throw new UserException(
                $"this folder holds another run's {what}: {differences}", "Name another folder, or repeat what the folder was made with.",
                _folder.Root);
        }
        return Resumed = true;
    }

    /// <summary>Describes the folder.</summary>
    public void Write<T>(T description) => _folder.WriteJson(_file, description);

    /// <summary>To be asked right before something is published.</summary>
    /// <exception cref="UserException">The folder is another machine's by now.</exception>
    public void EnsureHeld()
    {
        Renew();
        if (Lost.IsCancellationRequested)
            throw new UserException(
                "another machine has taken this folder over, because this one gave no sign for too long", "Start again: what is there is continued.",
                _folder.Root);
    }

    public void Dispose()
    {
        _renewal?.Dispose();
        lock (_lock)
        {
            if (_disposed) return;
            _disposed = true;
            if (IsNamed()) File.Delete(_lockPath);
            _lock.Dispose();
        }
        _lost.Dispose();
    }

    /// <summary>Whether a file of this name is a claim's lock: no output of a run, and not to be opened while somebody works.</summary>
    public static bool IsLock(string path) => Path.GetFileName(path) is ['.', .., '.', 'l', 'o', 'c', 'k'];

    private static string LockPath(string folder, string file) => Path.Combine(folder, $".{file}.lock");

    private static FileStream? Open(string path)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (IsSharingViolation(e))
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserException(
                $"cannot lock this folder ({e.Message.TrimEnd('.')})", "Name a folder that you may write to.", Path.GetDirectoryName(path), e);
        }
    }

    // ERROR_SHARING_VIOLATION on Windows, EWOULDBLOCK on Linux and on macOS.
    private static bool IsSharingViolation(IOException e) => e.HResult is unchecked((int)0x80070020) or 11 or 35;

    /// <summary>A sign of life. What the file holds is overwritten by as many bytes, so that no reader finds it empty.</summary>
    private void Sign()
    {
        _renewed = DateTimeOffset.UtcNow;
        byte[] text = Encoding.UTF8.GetBytes(ClaimHolder.Me(_renewed, Nonce).Write());
        _lock.Position = 0;
        _lock.Write(text);
        _lock.SetLength(text.Length);
        _lock.Flush(flushToDisk: true);
    }

    private void Renew()
    {
        lock (_lock)
        {
            if (_disposed || Lost.IsCancellationRequested) return;
            try
            {
                if (IsNamed())
                {
                    Sign();
                    return;
                }
            }
            catch (IOException) when (DateTimeOffset.UtcNow - _renewed < Lease)
            {
                return; // A disk that is full now may not be at the next sign.
            }
            catch (IOException)
            {
                // Nobody has seen a sign for the whole lease.
            }
        }
        _lost.Cancel();
    }

    private bool IsNamed() => ReadNamed(_lockPath) is { } text && ClaimHolder.Parse(text)?.Nonce == Nonce;

    private static string? ReadNamed(string path)
    {
        using var file = Posix.OpenUnlocked(path);
        return file is null ? null : ReadAll(file);
    }

    private static string ReadAll(FileStream file)
    {
        using var reader = new StreamReader(file, Encoding.UTF8, leaveOpen: true);
        return reader.ReadToEnd();
    }
}
