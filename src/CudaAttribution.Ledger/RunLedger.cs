using System.Globalization;
using System.Text.Json;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Manifests;
using CudaAttribution.Runs.Units;
using Microsoft.Data.Sqlite;

namespace CudaAttribution.Ledger;

/// <summary>The ledger <c>runs.db</c>: one row per finished run, SQLite, safe for several processes at once.</summary>
public sealed class RunLedger : IDisposable
{
    private const int SchemaVersion = 2;
    private const int BusyTimeoutSeconds = 30;
    private const string Columns = "id, time, command, outcome, figures, folder, manifest_sha256";

    private static readonly Dictionary<string, double> NoFigures = [];

    private readonly SqliteConnection _connection;

    static RunLedger() => SQLitePCL.Batteries_V2.Init();

    private RunLedger(SqliteConnection connection) => _connection = connection;

    /// <summary>Opens the ledger and makes it where there is none.</summary>
    /// <exception cref="UserException">The file is no ledger, or of a newer version, or cannot be written.</exception>
    public static RunLedger Open(string file)
    {
        SqliteConnection? connection = null;
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
            connection = new SqliteConnection(
                new SqliteConnectionStringBuilder { DataSource = file, Pooling = false, DefaultTimeout = BusyTimeoutSeconds }.ToString());
            connection.Open();
            var ledger = new RunLedger(connection);
            ledger.Prepare(file);
            return ledger;
        }
        catch (Exception e) when (e is SqliteException or IOException or UnauthorizedAccessException)
        {
            connection?.Dispose();
            throw new UserException(
                $"cannot open the ledger of runs ({e.Message.TrimEnd('.')})", "Check the file, or name another one.", file, e);
        }
        catch
        {
            connection?.Dispose();
            throw;
        }
    }

    /// <summary>Enters a finished run by its folder's manifest; entering the same manifest again changes nothing.</summary>
    /// <returns>The entry.</returns>
    public LedgerEntry Add(string folder, RunManifest manifest, LedgerOutcome? outcome) => Add(folder, manifest.Command, manifest.Finished, outcome);

    /// <summary>Enters the result of a finished unit of work in the same way.</summary>
    /// <returns>The entry.</returns>
    public LedgerEntry Add(string folder, UnitManifest manifest) => Add(folder, $"unit {manifest.Kind}", manifest.Finished, outcome: null);

    /// <summary>The latest runs, newest first.</summary>
    public IReadOnlyList<LedgerEntry> List(int limit = 100)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = $"SELECT {Columns} FROM runs ORDER BY time DESC, id LIMIT $limit";
        command.Parameters.AddWithValue("$limit", limit);
        return Read(command);
    }

    /// <summary>The run whose id begins with <paramref name="prefix"/>.</summary>
    /// <exception cref="UserException">None, or more than one.</exception>
    public LedgerEntry Show(string prefix)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = $"SELECT {Columns} FROM runs WHERE substr(id, 1, length($prefix)) = $prefix ORDER BY id LIMIT 2";
        command.Parameters.AddWithValue("$prefix", prefix);
        var found = Read(command);
        return found.Count switch
        {
            1 when prefix.Length > 0 => found[0],
            2 when prefix.Length > 0 => throw new UserException($"several runs begin with '{prefix}'", "Give more digits of the id."),
            _ => throw new UserException($"no run begins with '{prefix}'", "List the runs to see their ids."),
        };
    }

    public void Dispose() => _connection.Dispose();

    private LedgerEntry Add(string folder, string what, DateTimeOffset finished, LedgerOutcome? outcome)
    {
        // Manifests of runs and of units have one name.
        string hash = RunFolder.HashFile(Path.Combine(folder, RunManifest.FileName));
        var entry = new LedgerEntry(
            hash[..12], finished, what, outcome?.Outcome, outcome?.Figures ?? NoFigures, Path.GetFullPath(folder), hash);
        using var command = _connection.CreateCommand();
        command.CommandText =
            $"""
            INSERT INTO runs ({Columns})
            VALUES ($id, $time, $command, $outcome, $figures, $folder, $hash)
            ON CONFLICT (id) DO UPDATE SET folder = excluded.folder
            """;
        command.Parameters.AddWithValue("$id", entry.Id);
        command.Parameters.AddWithValue("$time", entry.Time.ToString("O", CultureInfo.InvariantCulture));
        command.Parameters.AddWithValue("$command", entry.Command);
        command.Parameters.AddWithValue("$outcome", (object?)entry.Outcome ?? DBNull.Value);
        command.Parameters.AddWithValue("$figures", JsonSerializer.Serialize(entry.Figures));
        command.Parameters.AddWithValue("$folder", entry.Folder);
        command.Parameters.AddWithValue("$hash", entry.ManifestHash);
        command.ExecuteNonQuery();
        return entry;
    }

    private static List<LedgerEntry> Read(SqliteCommand command)
    {
        using var row = command.ExecuteReader();
        var entries = new List<LedgerEntry>();
        while (row.Read())
        {
            entries.Add(new(
                row.GetString(0),
                DateTimeOffset.Parse(row.GetString(1), CultureInfo.InvariantCulture),
                row.GetString(2),
                row.IsDBNull(3) ? null : row.GetString(3),
                JsonSerializer.Deserialize<Dictionary<string, double>>(row.GetString(4))!,
                row.GetString(5),
                row.GetString(6)));
        }
        return entries;
    }

    private void Prepare(string file)
    {
        using var command = _connection.CreateCommand();
        if (Version(command) == SchemaVersion) return;
        // Alone from here on: another process may have made or changed the table meanwhile.
        using var alone = _connection.BeginTransaction(deferred: false);
        command.Transaction = alone;
        long version = Version(command);
        if (version > SchemaVersion)
            throw new UserException(
                $"the ledger is of version {version}, this program knows {SchemaVersion}", "Use the newer program, or name another file.", file);
        // What SQLite makes of a number in JSON has too few digits.
        _connection.CreateFunction("figures", (double? conf, double? p) => JsonSerializer.Serialize(
            new[] { ("conf", conf), ("p_value", p) }.Where(f => f.Item2 is not null).ToDictionary(f => f.Item1, f => f.Item2)));
        command.CommandText = version switch
        {
            0 =>
                """
                CREATE TABLE runs (
                    id TEXT PRIMARY KEY, time TEXT NOT NULL, command TEXT NOT NULL, outcome TEXT, figures TEXT NOT NULL,
                    folder TEXT NOT NULL, manifest_sha256 TEXT NOT NULL);
                """,
            1 =>
                """
                ALTER TABLE runs RENAME COLUMN verdict TO outcome;
                ALTER TABLE runs ADD COLUMN figures TEXT NOT NULL DEFAULT '{}';
                UPDATE runs SET figures = figures(conf, p_value);
                ALTER TABLE runs DROP COLUMN conf;
                ALTER TABLE runs DROP COLUMN p_value;
                """,
            _ => "",
        } + $"PRAGMA user_version = {SchemaVersion};";
        command.ExecuteNonQuery();
        alone.Commit();
    }

    private static long Version(SqliteCommand command)
    {
        command.CommandText = "PRAGMA user_version";
        return (long)command.ExecuteScalar()!;
    }
}
