//! The tables, and how older stores become today's.

use std::{
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, Params, Row, Transaction, TransactionBehavior, config::DbConfig};

/// The newest version that this crate knows: one step a version.
pub(crate) const VERSION: i64 = STEPS.len() as i64;

/// What makes version n of version n - 1.
const STEPS: [&str; 7] = [
    "
    CREATE TABLE jobs (
        id TEXT PRIMARY KEY,
        backend TEXT NOT NULL,
        label TEXT,
        tags TEXT NOT NULL,
        runner TEXT NOT NULL,
        state TEXT NOT NULL,
        created_ms INTEGER NOT NULL,
        started_ms INTEGER,
        ended_ms INTEGER,
        experiments INTEGER NOT NULL,
        completed INTEGER NOT NULL DEFAULT 0,
        threads INTEGER,
        memory INTEGER,
        deadline_ms INTEGER,
        attempt INTEGER NOT NULL DEFAULT 0,
        owner TEXT,
        token INTEGER NOT NULL DEFAULT 0,
        lease_awake INTEGER NOT NULL DEFAULT 0,
        lease_wall INTEGER NOT NULL DEFAULT 0,
        cancel INTEGER NOT NULL DEFAULT 0,
        service_id TEXT,
        retry_of TEXT,
        error TEXT
    ) STRICT;
    CREATE INDEX jobs_by_state ON jobs (state, id);
    CREATE TABLE documents (
        job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        length INTEGER NOT NULL,
        bytes BLOB,
        PRIMARY KEY (job, name)
    ) STRICT;
",
    "
    ALTER TABLE jobs ADD COLUMN digest TEXT;
    CREATE INDEX jobs_by_digest ON jobs (digest, id) WHERE digest IS NOT NULL;
",
    "ALTER TABLE jobs ADD COLUMN plugins TEXT;",
    "CREATE TABLE settings (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;",
    "
    CREATE TABLE tokens (
        id TEXT PRIMARY KEY,
        user TEXT NOT NULL,
        hash TEXT NOT NULL UNIQUE,
        scopes TEXT NOT NULL,
        created_ms INTEGER NOT NULL,
        expires_ms INTEGER,
        revoked_ms INTEGER
    ) STRICT;
    CREATE TABLE secrets (name TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
    CREATE TABLE sessions (
        id TEXT PRIMARY KEY,
        user TEXT NOT NULL,
        backend TEXT NOT NULL,
        mode TEXT NOT NULL,
        max_ttl INTEGER,
        created_ms INTEGER NOT NULL,
        closed_ms INTEGER
    ) STRICT;
    CREATE TABLE served (
        job TEXT PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
        user TEXT NOT NULL,
        program TEXT NOT NULL,
        session TEXT,
        cost INTEGER
    ) STRICT;
    CREATE INDEX served_by_user ON served (user, job);
    CREATE INDEX served_by_session ON served (session, job) WHERE session IS NOT NULL;
",
    "
    ALTER TABLE jobs ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX jobs_by_turn ON jobs (state, turn, id);
    CREATE TABLE turns (user TEXT PRIMARY KEY, turn INTEGER NOT NULL) STRICT;
",
    "
    ALTER TABLE jobs ADD COLUMN taken_ms INTEGER;
    ALTER TABLE jobs ADD COLUMN ran_ms INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE jobs ADD COLUMN longest_ms INTEGER;
    UPDATE jobs SET taken_ms = started_ms WHERE ended_ms IS NULL;
    UPDATE jobs SET ran_ms = max(0, ended_ms - started_ms)
        WHERE ended_ms IS NOT NULL AND started_ms IS NOT NULL;
    UPDATE jobs SET longest_ms = 1000 * (SELECT nullif(cost, 0) FROM served WHERE job = jobs.id);
    CREATE TABLE spent (
        user TEXT NOT NULL,
        hour_ms INTEGER NOT NULL,
        ms INTEGER NOT NULL,
        PRIMARY KEY (user, hour_ms)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO spent SELECT served.user, ended_ms / 3600000 * 3600000, sum(ran_ms)
        FROM jobs JOIN served ON served.job = jobs.id WHERE ended_ms IS NOT NULL GROUP BY 1, 2;
",
];

/// Sets a connection up for the promises of the store.
///
/// `synchronous = FULL` in WAL mode syncs the log at every commit (SQLite's documentation of that
/// pragma), so a commit that returned survives a loss of power.
pub(crate) fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.busy_handler(Some(patience()))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // Otherwise every command that is alone would move the log into the database when it ends,
    // and remove it: three syncs more. The log is moved when it has so many pages.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "wal_autocheckpoint", 256)?;
    Ok(())
}

/// How often somebody who waits for a writer looks.
const LOOK: Duration = Duration::from_millis(5);

/// For how long, and how often at least: where so much else runs that looks are far apart, time alone
/// says little.
const PATIENCE: (Duration, i32) = (Duration::from_secs(10), 1000);

/// Waits for whoever writes. SQLite's own way of waiting looks but ten times a second after a while,
/// and nobody has a place in a queue: among several who write again and again, one may see the
/// database free so seldom that it gives up.
fn patience() -> impl FnMut(i32) -> bool + Send + 'static {
    let mut since = Instant::now();
    move |looks| {
        if looks == 0 {
            since = Instant::now();
        }
        let goes_on = looks < PATIENCE.1 || since.elapsed() < PATIENCE.0;
        if goes_on {
            thread::sleep(LOOK);
        }
        goes_on
    }
}

/// Brings a database to [`VERSION`], in one transaction; returns the version that was found.
pub(crate) fn migrate(connection: &mut Connection) -> rusqlite::Result<i64> {
    if version(connection)? >= VERSION {
        return version(connection);
    }
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    // Another process may have done it while this one waited.
    let found = version(&transaction)?;
    for step in STEPS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        transaction.execute_batch(step)?;
    }
    if found < VERSION {
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()?;
    Ok(found)
}

/// The version of a database; 0 of an empty one.
pub(crate) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// All rows that a query finds.
pub(crate) fn rows<T>(
    on: &Connection,
    sql: &str,
    with: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    on.prepare_cached(sql)?.query_map(with, read)?.collect()
}
