//! Rows that another program changed or deleted, and interrupted reads: a partial record is never
//! returned.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use roomctl::model::{Lineage, Recorded, Room};
use roomctl::state::{self, Repair, StateError, StoreEnvironment};

use super::super::Subject;
use super::super::fixtures::{
    address, append, holder, lock, names, read, record, recorded, result,
};
use crate::support::postgres::{self, Database};
use crate::support::tcp::TcpProxy;

/// The most answers of the server that a read needs, including the log-in.
const ANSWERS: u64 = 16;

/// The number of interrupted reads.
const ROUNDS: usize = 100;

async fn repair(database: &Database) -> Result<Option<Repair>, StateError> {
    let location = database.url().parse().expect("a URL");
    let environment = StoreEnvironment::of(database.environment());
    state::repair(&location, &environment, holder(2), Duration::ZERO).await
}

async fn refused(database: &Database) -> String {
    let read = database.store().read().await.map(drop).expect_err("the state is damaged");
    let locked = database.store().lock(holder(2), Duration::ZERO).await.map(drop);
    assert_eq!(read.to_string(), locked.expect_err("the state is damaged").to_string());
    assert!(matches!(read, StateError::Outdated { .. }), "{read}");
    read.to_string()
}

/// Returns a record whose rooms all have its serial as their name.
fn generation(serial: u64) -> Recorded {
    let name = serial.to_string();
    let room = |at: &str| (address(at), record(&name));
    Recorded {
        lineage: Some(Lineage("7e9bb6ff-0d44-4ef7-9df9-7f1f5b8a1f44".to_owned())),
        serial,
        rooms: ["chat/a", "chat/b", "chat/c"].map(room).into(),
        ..Recorded::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_restarts_after_a_lost_connection() {
    let Some(database) = postgres::database() else { return };
    let writer = lock(&database).await;
    writer.replace(generation(1)).await.expect("written");
    let proxy = TcpProxy::start(database.address);
    let through = database.at(proxy.address);
    let writing = tokio::spawn(async move {
        for serial in 2.. {
            writer.replace(generation(serial)).await.expect("written");
        }
    });
    for answers in (1..=ANSWERS).cycle().take(ROUNDS) {
        proxy.cut_after(answers);
        let Recorded { serial, rooms, .. } = &*read(&through).await.recorded;
        let name = |room: &Arc<Room>| room.name.as_deref().map(str::to_owned);
        let found: BTreeMap<_, _> =
            rooms.iter().map(|(at, record)| (at.to_string(), name(&record.room))).collect();
        let whole = generation(*serial).rooms;
        let whole: BTreeMap<_, _> =
            whole.iter().map(|(at, record)| (at.to_string(), name(&record.room))).collect();
        assert_eq!(found, whole, "serial {serial}, after {answers} answers");
    }
    writing.abort();
}

#[tokio::test]
async fn a_room_deleted_by_hand_is_detected() {
    let Some(database) = postgres::database() else { return };
    recorded(&database, &["chat/a", "chat/b"]).await;
    database.sql("DELETE FROM rooms WHERE address = 'chat/b'");
    let error = refused(&database).await;
    assert!(error.contains(".rooms has 1 rows, but `room_count` in "), "{error}");
    let Repair { plan, .. } = repair(&database).await.expect("readable").expect("damaged");
    assert_eq!((plan.rooms, plan.serial), (1, 2));
}

#[tokio::test]
async fn a_journal_that_lacks_entries_is_refused_and_repaired() {
    let Some(database) = postgres::database() else { return };
    recorded(&database, &["chat/a"]).await;
    database.sql("UPDATE head SET last_entry = 100000000000000");
    let error = refused(&database).await;
    assert!(error.contains("the numbers in "), "{error}");
    let Repair { plan, write, .. } = repair(&database).await.expect("readable").expect("damaged");
    assert_eq!((plan.rooms, plan.serial), (1, 2));
    write.await.expect("written");
    assert_eq!(names(&read(&database).await), ["chat/a"]);
}

#[tokio::test]
async fn a_number_at_its_upper_bound_is_refused_and_repaired() {
    for (change, column) in [
        ("epoch = 1000000000000", "epoch"),
        ("base = 1000000000000000, last_entry = 1000000000000000", "last_entry"),
    ] {
        let Some(database) = postgres::database() else { return };
        recorded(&database, &["chat/a"]).await;
        database.sql(&format!("UPDATE head SET {change}"));
        let error = refused(&database).await;
        let named =
            format!("{}.head is damaged: column `{column}` is 1000000000000", database.schema);
        assert!(error.contains(&named) && error.contains("roomctl state repair"), "{error}");
        let Repair { write, .. } = repair(&database).await.expect("readable").expect("damaged");
        write.await.expect("written");
        append(&lock(&database).await, vec![result("chat/b")]).await;
        assert_eq!(names(&read(&database).await), ["chat/a", "chat/b"]);
    }
}

#[tokio::test]
async fn an_error_of_a_damaged_head_names_its_table_and_column() {
    for (change, expected) in [
        (
            "holder = '5'",
            "column `holder` is not as roomctl wrote it (invalid type: integer `5`, expected an object",
        ),
        ("holder = '{}'", "column `holder` is not as roomctl wrote it (missing field `pid`"),
        (
            "last_calls = '[]'",
            "column `last_calls` is not as roomctl wrote it (invalid type: sequence, expected a map",
        ),
    ] {
        let Some(database) = postgres::database() else { return };
        recorded(&database, &["chat/a"]).await;
        database.sql(&format!("UPDATE head SET {change}"));
        let error = refused(&database).await;
        assert!(
            error.contains(&format!("{}.head is damaged: {expected}", database.schema)),
            "{error}"
        );
        let Repair { write, .. } = repair(&database).await.expect("readable").expect("damaged");
        write.await.expect("written");
        assert_eq!(names(&read(&database).await), ["chat/a"]);
    }
}

#[tokio::test]
async fn rooms_without_a_head_get_a_new_lineage() {
    let Some(database) = postgres::database() else { return };
    recorded(&database, &["chat/a", "chat/b"]).await;
    let writer = lock(&database).await;
    append(&writer, vec![result("chat/c")]).await;
    drop(writer);
    let lineage = read(&database).await.recorded.lineage.clone();
    database.sql("DELETE FROM head");
    let error = refused(&database).await;
    assert!(error.contains("roomctl state repair"), "{error}");
    let Repair { plan, write, .. } = repair(&database).await.expect("readable").expect("damaged");
    assert!(plan.found.iter().any(|what| what.contains("a new lineage")), "{:?}", plan.found);
    write.await.expect("written");
    assert_eq!(names(&read(&database).await), ["chat/a", "chat/b", "chat/c"]);
    assert_ne!(read(&database).await.recorded.lineage, lineage);
    assert!(repair(&database).await.expect("readable").is_none(), "nothing is left to repair");
    assert_eq!(
        database.sql("SELECT part, count(*) FROM replaced GROUP BY 1 ORDER BY 1"),
        "head|1\njournal|1\nrooms|2"
    );
}

#[tokio::test]
async fn tables_without_a_version_are_refused() {
    let Some(database) = postgres::database() else { return };
    recorded(&database, &["chat/a"]).await;
    for damage in ["DELETE FROM migrations", "DROP TABLE migrations"] {
        database.sql(damage);
        let error = refused(&database).await;
        assert!(error.contains("restore the whole schema"), "{damage}: {error}");
        let error = repair(&database).await.map(drop).expect_err("the version is unknown");
        assert!(matches!(error, StateError::Outdated { .. }), "{damage}: {error}");
    }
    assert_eq!(database.sql("SELECT address FROM rooms"), "chat/a");
}

#[tokio::test]
async fn a_change_of_the_head_by_hand_stops_its_holder() {
    let Some(database) = postgres::database() else { return };
    for change in ["epoch = epoch + 1", "token = 'other'", "released = 'uncleanly'"] {
        let writer = lock(&database).await;
        database.sql(&format!("UPDATE head SET {change}"));
        let error = writer.append(vec![result("chat/a")]).await.map(drop).expect_err("refused");
        let stops = matches!(error, StateError::LeaseLost { .. } | StateError::Unlocked { .. });
        assert!(stops, "{change}: {error}");
        assert_eq!(database.sql("SELECT count(*) FROM journal"), "0", "{change}");
        database.sql("UPDATE head SET released = 'uncleanly'");
    }
}

#[tokio::test]
async fn a_holder_whose_write_is_denied_releases_its_lease() {
    let Some(database) = postgres::database() else { return };
    let owner = database.by_new_owner();
    let writer = lock(&owner).await;
    database.sql(&format!("REVOKE INSERT ON journal FROM {}", owner.user));
    let error = writer.append(vec![result("chat/a")]).await.map(drop).expect_err("no right");
    assert!(error.to_string().contains("42501"), "{error}");
    assert!(writer.lost().await.to_string().contains("42501"));
    database.sql(&format!("GRANT INSERT ON journal TO {}", owner.user));
    let next = owner.store().lock(holder(2), Duration::ZERO).await.expect("the lease is free");
    assert!(next.snapshot().ended_uncleanly);
    append(&next, vec![result("chat/a")]).await;
}
