using System.Globalization;
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
/// run out. Clocks that differ by more than the lease defeat it.
/// </remarks>
public sealed class Claim : IDisposable
{
    /// <summary>How long a holder on another machine is believed to live after its last sign.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(60);

    private readonly RunFolder _folder;
    private readonly string _file, _lockPath;
    private readonly FileStream _lock;
    private readonly Timer _renewal;
    private readonly string _nonce = Guid.NewGuid().ToString("N");

    private Claim(RunFolder folder, string file, FileStream held)
    {
        (_folder, _file, _lock, _lockPath) = (folder, file, held, LockPath(folder, file));
        Renew();
        _renewal = new Timer(_ => Renew(), null, Lease / 4, Lease / 4);
    }

    /// <summary>True where the folder held this description before: an earlier run is continued.</summary>
    public bool Resumed { get; private set; }

    /// <summary>Takes the folder and settles what it is for: writes the description, or checks the one that is there.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="file">Name of the description's file.</param>
    /// <param name="description">What decides the folder's content, as <see cref="Json"/> writes it.</param>
    /// <param name="what">What the folder would hold, for messages: <c>a demo</c>.</param>
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
        string path = LockPath(folder, file);
        while (true)
        {
            var held = Open(path, folder);
            try
            {
                RefuseLiving(held, folder);
                var claim = new Claim(folder, file, held);
                // A holder removes its file before it lets go: a file opened just before that is locked by us and has no name any more.
                if (claim.IsNamed()) return claim;
                claim._renewal.Dispose();
            }
            catch
            {
                held.Dispose();
                throw;
            }
            held.Dispose();
        }
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
                $"this folder holds {what} that is another one: {differences}", "Name another folder, or repeat what the folder was made with.",
                _folder.Root);
        }
        return Resumed = true;
    }

    /// <summary>Describes the folder.</summary>
    public void Write<T>(T description) => _folder.WriteJson(_file, description);

    public void Dispose()
    {
        _renewal.Dispose();
        lock (_lock)
        {
            if (!_lock.CanWrite) return;
            File.Delete(_lockPath);
            _lock.Dispose();
        }
    }

    private static string LockPath(RunFolder folder, string file) => folder.Path($".{file}.lock");

    private static FileStream Open(string path, RunFolder folder)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e)
        {
            throw Taken(folder, e);
        }
    }

    private static void RefuseLiving(FileStream held, RunFolder folder)
    {
        string[] words = new StreamReader(held, Encoding.UTF8, leaveOpen: true).ReadToEnd().Split('\n');
        bool elsewhere = words.Length >= 2 && words[0] != Environment.MachineName;
        if (elsewhere && DateTimeOffset.TryParse(words[1], CultureInfo.InvariantCulture, out var renewed) && DateTimeOffset.UtcNow - renewed < Lease)
            throw Taken(folder, null);
    }

    private static UserException Taken(RunFolder folder, Exception? inner) =>
        new("another process is at work on this folder", "Wait for it, or name another folder.", folder.Root, inner);

    private void Renew()
    {
        lock (_lock)
        {
            if (!_lock.CanWrite) return;
            _lock.SetLength(0);
            _lock.Write(Encoding.UTF8.GetBytes($"{Environment.MachineName}\n{DateTimeOffset.UtcNow:O}\n{_nonce}"));
            _lock.Flush(flushToDisk: true);
        }
    }

    private bool IsNamed()
    {
        try
        {
            using var file = new FileStream(_lockPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return new StreamReader(file).ReadToEnd().EndsWith(_nonce, StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }
}
