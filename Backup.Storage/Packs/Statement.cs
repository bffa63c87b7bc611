using System.Text;
using Backup.Protocol;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Backup.Storage.Packs;

/// <summary>
/// A prepared SQLite statement without ADO.NET's objects per call: the index asks and inserts thousands of rows a time,
/// and those would cost more than SQLite itself. Serves one thread at a time, and is reset before each use.
/// </summary>
internal sealed class Statement : IDisposable
{
    private readonly sqlite3 database;
    private readonly sqlite3_stmt statement;

    public Statement(SqliteConnection connection, string sql)
    {
        database = connection.Handle ?? throw new ObjectDisposedException(nameof(SqliteConnection));
        Check(raw.sqlite3_prepare_v3(database, sql, raw.SQLITE_PREPARE_PERSISTENT, out statement));
    }

    /// <summary>Rows changed by the last insert, update or delete.</summary>
    public int Changes => raw.sqlite3_changes(database);

    public Statement Reset()
    {
        // Its result repeats the error of the last step, which was thrown then.
        _ = raw.sqlite3_reset(statement);
        return this;
    }

    public Statement Bind(int at, long value)
    {
        Check(raw.sqlite3_bind_int64(statement, at, value));
        return this;
    }

    public Statement Bind(int at, ReadOnlySpan<byte> blob)
    {
        Check(raw.sqlite3_bind_blob(statement, at, blob));
        return this;
    }

    public Statement Bind(int at, ChunkId id) => Bind(at, (ReadOnlySpan<byte>)id);

    public Statement Bind(int at, string text)
    {
        Check(raw.sqlite3_bind_text(statement, at, text));
        return this;
    }

    public Statement BindNull(int at)
    {
        Check(raw.sqlite3_bind_null(statement, at));
        return this;
    }

    /// <returns>Whether there is a row.</returns>
    public bool Step()
    {
        var result = raw.sqlite3_step(statement);
        if (result == raw.SQLITE_ROW)
            return true;
        if (result == raw.SQLITE_DONE)
            return false;
        Check(result);
        return false;
    }

    /// <summary>Steps to the end and resets, so that no read transaction stays open behind it.</summary>
    public void Run()
    {
        while (Step())
        {
        }
        Reset();
    }

    public long Int64(int column) => raw.sqlite3_column_int64(statement, column);

    public int Int32(int column) => checked((int)Int64(column));

    public bool IsNull(int column) => raw.sqlite3_column_type(statement, column) == raw.SQLITE_NULL;

    /// <summary>Valid until the next step or reset.</summary>
    public ReadOnlySpan<byte> Blob(int column) => raw.sqlite3_column_blob(statement, column);

    public string Text(int column) => Encoding.UTF8.GetString(Blob(column));

    public void Dispose() => statement.Dispose();

    private void Check(int result) => SqliteException.ThrowExceptionForRC(result, database);
}
