//! The schema: its creation, permissions and versions.

use std::time::Duration;

use roomctl::state::{Found, StateError};

use super::super::Subject;
use super::super::fixtures::{append, fold, holder, lock, names, read, recorded, result};
use crate::support::postgres::{self, Database};

async fn lock_error(database: &Database) -> StateError {
    let locked = database.store().lock(holder(2), Duration::ZERO).await;
    locked.map(drop).expect_err("no lock")
}

async fn read_error(database: &Database) -> StateError {
    database.store().read().await.map(drop).expect_err("no record")
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_runs_create_one_schema_and_one_takes_the_lease() {
    let Some(database) = postgres::database() else { return };
    let mut runs = tokio::task::JoinSet::new();
    for n in 0..20 {
        let database = database.clone();
        runs.spawn(async move { database.store().lock(holder(n), Duration::ZERO).await });
    }
    let mut taken = Vec::new();
    while let Some(run) = runs.join_next().await {
        match run.expect("no panic") {
            Ok(writer) => taken.push(writer),
            Err(StateError::Locked { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((taken.len(), database.sql("TABLE head").lines().count()), (1, 1));
    append(&taken[0], vec![result("chat/a")]).await;
}

#[tokio::test]
async fn a_reader_creates_nothing() {
    let Some(database) = postgres::database() else { return };
    assert_eq!(read(&database).await.found, Found::New);
    assert_eq!(database.store().held().await.expect("an answer"), None);
    let schema = &database.schema;
    let count = format!("SELECT count(*) FROM pg_namespace WHERE nspname = '{schema}'");
    assert_eq!(database.sql(&count), "0");
}

#[tokio::test]
async fn an_existing_empty_schema_is_used_without_the_create_privilege() {
    let Some(database) = postgres::database() else { return };
    let owner = database.by_new_role();
    let (schema, role) = (&owner.schema, &owner.user);
    let error = lock_error(&owner).await.to_string();
    assert!(error.contains("permission denied for database fleet"), "{error}");
    database.sql(&format!("CREATE SCHEMA {schema} AUTHORIZATION {role}"));
    assert_eq!(read(&owner).await.found, Found::New);
    recorded(&owner, &["chat/a"]).await;
    assert_eq!(names(&read(&owner).await), ["chat/a"]);
}

#[tokio::test]
async fn a_read_only_role_can_read_but_not_lock() {
    let Some(database) = postgres::database() else { return };
    recorded(&database, &["chat/a"]).await;
    let reader = database.by_new_role();
    for error in [read_error(&reader).await, lock_error(&reader).await] {
        let error = error.to_string();
        assert!(error.contains("permission denied for schema"), "{error}");
    }
    let (schema, role) = (&reader.schema, &reader.user);
    database.sql(&format!("GRANT USAGE ON SCHEMA {schema} TO {role}"));
    database.sql(&format!("GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}"));
    assert_eq!(names(&read(&reader).await), ["chat/a"]);
    assert_eq!(reader.store().held().await.expect("an answer"), None);
    let head = database.sql("TABLE head");
    let error = lock_error(&reader).await.to_string();
    assert!(error.contains("permission denied for table head"), "{error}");
    assert_eq!(database.sql("TABLE head"), head);
}

#[tokio::test]
async fn a_schema_that_requires_a_newer_roomctl_is_refused_and_unchanged() {
    let Some(database) = postgres::database() else { return };
    recorded(&database, &["chat/a"]).await;
    database.sql("INSERT INTO migrations (version, works_with) VALUES (2, 1)");
    recorded(&database, &["chat/b"]).await;
    database.sql("INSERT INTO migrations (version, works_with) VALUES (3, 2)");
    let all = "SELECT * FROM head, rooms, migrations";
    let before = database.sql(all);
    for error in [
        read_error(&database).await,
        lock_error(&database).await,
        database.store().held().await.map(drop).expect_err("no answer"),
    ] {
        assert!(matches!(error, StateError::Newer { .. }), "{error}");
    }
    assert_eq!(database.sql(all), before);
}

#[tokio::test]
async fn a_run_continues_while_a_newer_roomctl_migrates_the_schema() {
    let Some(database) = postgres::database() else { return };
    let writer = lock(&database).await;
    append(&writer, vec![result("chat/a")]).await;
    database.sql("INSERT INTO migrations (version, works_with) VALUES (2, 1)");
    append(&writer, vec![result("chat/b")]).await;
    fold(writer).await;
    assert_eq!(names(&read(&database).await), ["chat/a", "chat/b"]);
}

/// Such as a standby, or a server that an administrator made read-only.
#[tokio::test]
async fn a_read_only_server_can_be_read_but_not_locked() {
    let Some(database) = postgres::database() else { return };
    let database = database.by_new_owner();
    recorded(&database, &["chat/a"]).await;
    let role = &database.user;
    database.sql(&format!("ALTER ROLE {role} SET default_transaction_read_only = on"));
    assert_eq!(names(&read(&database).await), ["chat/a"]);
    let error = lock_error(&database).await.to_string();
    assert!(error.contains("read-only"), "{error}");
}
