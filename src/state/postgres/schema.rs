//! The schema: its tables, and the migrations that create them.

use tokio::time::Instant;
use tokio_postgres::types::Type;

use crate::state::StateError;
use crate::state::lease::{READ_PATIENCE, RemoteError, Retry};

use super::database::{Connection, column};

/// A step from one version of the schema to the next.
///
/// A roomctl of an earlier version may use the schema at the same time: a migration only adds, and
/// raises `works_with` if an earlier roomctl must stop.
struct Migration {
    /// The oldest schema version whose roomctl may still use the schema after the migration.
    works_with: i32,
    sql: &'static str,
}

/// The migrations. The first one creates version 1.
const MIGRATIONS: &[Migration] = &[Migration { works_with: 1, sql: TABLES }];

/// `head` has one row: the lease, and everything of the state except its rooms (`state`, as in the
/// document). `rooms` has the rooms of the state. `journal` has the intents of calls and their
/// results since the last fold. `replaced` has the rows that the last push, migration or
/// repair replaced.
const TABLES: &str = "
CREATE TABLE {s}.head (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    lineage text NOT NULL,
    epoch bigint NOT NULL CHECK (epoch BETWEEN 1 AND 1000000000000),
    token text NOT NULL,
    write_id text NOT NULL,
    lease_seconds bigint NOT NULL CHECK (lease_seconds BETWEEN 1 AND 86400),
    renewed timestamptz NOT NULL CHECK (isfinite(renewed)),
    released text CHECK (released IN ('cleanly', 'uncleanly')),
    holder json NOT NULL,
    base bigint NOT NULL CHECK (base >= 0),
    last_entry bigint NOT NULL CHECK (last_entry BETWEEN base AND 1000000000000000),
    last_calls json NOT NULL,
    unknown_calls boolean NOT NULL,
    state json,
    room_count bigint NOT NULL
);
CREATE TABLE {s}.rooms (
    address text COLLATE \"C\" PRIMARY KEY,
    record json NOT NULL
);
CREATE TABLE {s}.journal (
    number bigint PRIMARY KEY,
    entry json NOT NULL
);
CREATE TABLE {s}.replaced (
    part text NOT NULL,
    key text NOT NULL,
    content text,
    replaced timestamptz NOT NULL DEFAULT clock_timestamp()
);
";

/// The table of migrations, which the first one creates.
const VERSIONS: &str = "
CREATE TABLE {s}.migrations (
    version integer PRIMARY KEY,
    works_with integer NOT NULL,
    applied timestamptz NOT NULL DEFAULT clock_timestamp()
);
";

/// The parts of a schema that exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Schema {
    /// Nothing: no state was ever kept in it.
    Missing,
    /// The schema without its tables.
    Empty,
    /// Tables of a state, without the table that contains their version.
    Unversioned,
    /// The tables of a version.
    Version(usize),
}

/// What is known of a database.
struct Answer {
    schema: Schema,
    works_with: usize,
    encoding: String,
}

/// Inspects the schema.
///
/// # Errors
/// Returns [`StateError::Newer`] if the schema requires a newer roomctl, [`StateError::Outdated`]
/// if a part of it is missing, and [`StateError::Unusable`] if the encoding of the database cannot
/// store every room name.
pub(super) async fn find(connection: &mut Connection) -> Result<Schema, StateError> {
    let mut retry = Retry::until(Instant::now() + READ_PATIENCE);
    let Answer { schema, works_with, encoding } = loop {
        match ask(connection).await {
            Ok(answer) => break answer,
            Err(error) => retry
                .after(error)
                .await
                .map_err(|error| error.failed("read", connection.database().location.clone()))?,
        }
    };
    let location = connection.database().location.clone();
    if encoding != "UTF8" {
        let why =
            format!("the encoding of the database is {encoding}: create one with ENCODING 'UTF8'");
        return Err(StateError::Unusable { location, why });
    }
    if works_with > MIGRATIONS.len() {
        return Err(StateError::Newer { location, version: works_with as u64 });
    }
    match schema {
        Schema::Unversioned | Schema::Version(0) => {
            let why = "it has tables of a state, but its table `migrations` does not contain their version"
                .to_owned();
            let fix =
                "A part of it was restored or deleted: restore the whole schema from one backup"
                    .to_owned();
            Err(StateError::Outdated { location, why, fix })
        }
        Schema::Missing | Schema::Empty | Schema::Version(_) => Ok(schema),
    }
}

async fn ask(connection: &mut Connection) -> Result<Answer, RemoteError> {
    let schema = connection.database().schema.clone();
    let sql = "SELECT current_setting('server_encoding'), \
               EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1), \
               EXISTS (SELECT FROM pg_catalog.pg_tables WHERE schemaname = $1 AND tablename = \
               'migrations'), \
               EXISTS (SELECT FROM pg_catalog.pg_tables WHERE schemaname = $1 AND tablename IN \
               ('head', 'rooms', 'journal'))";
    let row = connection.query_one(sql, &[(&schema, Type::TEXT)]).await?;
    let encoding = column(&row, 0)?;
    let schema = match (column(&row, 1)?, column(&row, 2)?, column(&row, 3)?) {
        (false, _, _) => Schema::Missing,
        (true, false, false) => Schema::Empty,
        (true, false, true) => Schema::Unversioned,
        (true, true, _) => {
            let sql = "SELECT coalesce(max(version), 0), coalesce(max(works_with), 0) FROM {s}.migrations";
            let row = connection.query_one(sql, &[]).await?;
            let number = |at| column::<i32>(&row, at).map(|n| usize::try_from(n).unwrap_or(0));
            let (version, works_with) = (number(0)?, number(1)?);
            return Ok(Answer { schema: Schema::Version(version), works_with, encoding });
        }
    };
    Ok(Answer { schema, works_with: 0, encoding })
}

/// Creates the schema and its tables, or migrates them to the version of this roomctl. If another
/// run does the same concurrently, one of them succeeds.
pub(super) async fn migrate(connection: &mut Connection) -> Result<(), StateError> {
    let until = Instant::now() + READ_PATIENCE;
    let mut retry = Retry::until(until);
    loop {
        let schema = find(connection).await?;
        let Some(sql) = next_migration(schema) else { return Ok(()) };
        if let Err(error) = connection.batch(&sql).await {
            let is_done = |now: Schema| now != schema;
            if find(connection).await.is_ok_and(is_done) {
                continue;
            }
            let failed =
                |error: RemoteError| error.failed("set up", connection.database().location.clone());
            retry.after(error).await.map_err(failed)?;
        }
    }
}

/// Returns the transaction that migrates a schema to the next version; `None` if it has the last
/// one.
fn next_migration(schema: Schema) -> Option<String> {
    let (make, version) = match schema {
        Schema::Missing => (["CREATE SCHEMA {s};", VERSIONS].concat(), 0),
        Schema::Empty => (VERSIONS.to_owned(), 0),
        Schema::Unversioned => return None,
        Schema::Version(version) => (String::new(), version),
    };
    let Migration { works_with, sql } = MIGRATIONS.get(version)?;
    // Of two concurrent migrations, the second one waits here and then fails.
    let insert = "INSERT INTO {s}.migrations (version, works_with) VALUES";
    let next = version + 1;
    Some(format!(
        "BEGIN; SET LOCAL synchronous_commit = on; {make} {insert} ({next}, {works_with}); {sql} COMMIT;"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_schema_and_its_tables_are_created_in_one_transaction() {
        let sql = next_migration(Schema::Missing).expect("a migration");
        assert!(sql.starts_with("BEGIN;") && sql.ends_with("COMMIT;"), "{sql}");
        for part in ["CREATE SCHEMA {s}", "CREATE TABLE {s}.migrations", "CREATE TABLE {s}.head"] {
            assert_eq!(sql.matches(part).count(), 1, "{part}: {sql}");
        }
        let empty = next_migration(Schema::Empty).expect("a migration");
        assert!(!empty.contains("CREATE SCHEMA"), "an administrator made it: {empty}");
    }

    #[test]
    fn the_last_version_and_newer_ones_need_no_migration() {
        assert_eq!(next_migration(Schema::Version(MIGRATIONS.len())), None);
        assert_eq!(next_migration(Schema::Version(MIGRATIONS.len() + 1)), None);
    }

    #[test]
    fn works_with_is_an_existing_version_of_the_schema() {
        for (version, migration) in (1..).zip(MIGRATIONS) {
            assert!((1..=version).contains(&migration.works_with), "version {version}");
        }
    }
}
