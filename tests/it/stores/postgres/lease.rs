//! The lease: who may take it and when, and what its holder finds out once it is another's.

use std::time::Duration;

use roomctl::state::{EarlierHolder, LeaseEnd, StateError};

use super::super::{
    LONG, Subject, address, append, calls, fold, holder, intent, lock, names, open, read, result,
};
use crate::support::postgres::{self, Database};

/// Moves the last renewal back, as if time had passed.
fn let_pass(database: &Database, seconds: u32) {
    database.sql(&format!("UPDATE head SET renewed = renewed - interval '{seconds} s'"));
}

async fn try_lock(
    database: &Database,
) -> Result<std::sync::Arc<dyn roomctl::state::WriteStore>, StateError> {
    database.store().lock(holder(2), Duration::ZERO).await
}

fn is_lost(error: &StateError) -> bool {
    matches!(error, StateError::LeaseLost { by: Some(by), .. } if **by == holder(2))
}

#[tokio::test]
async fn a_lease_is_taken_over_after_its_end_and_its_old_holder_writes_nothing_more() {
    let Some(database) = postgres::database() else { return };
    let old = lock(&database).await;
    let sent = old.append(vec![intent("chat/a")]).await.expect("durable");
    assert!(sent.may_send());
    let_pass(&database, 16);
    let new = try_lock(&database).await.expect("it has ended");
    let EarlierHolder { calls_ended: _, lease } = new.snapshot().earlier.expect("one was before");
    assert_eq!((lease, new.snapshot().ended_uncleanly), (LeaseEnd::TakenOver, true));
    assert_eq!(new.snapshot().recorded.rooms[&address("chat/a")], open("chat/a"));
    append(&new, vec![result("chat/b")]).await;

    let error = old.append(vec![result("chat/c")]).await.map(drop).expect_err("it is lost");
    assert!(is_lost(&error), "{error}");
    assert!(!sent.may_send(), "the window of its calls is closed");
    let error = old.fold(calls(1)).await.map(drop).expect_err("it is lost");
    assert!(is_lost(&error), "{error}");
    drop(old);
    assert_eq!(names(&read(&database).await), ["chat/a", "chat/b"]);
    assert_eq!(read(&database).await.in_progress, Some(holder(2)));
    fold(new).await;
    assert_eq!(names(&read(&database).await), ["chat/a", "chat/b"]);
}

#[tokio::test]
async fn an_old_holder_that_only_waits_finds_out_that_its_lease_is_lost() {
    let Some(database) = postgres::database() else { return };
    let old = lock(&database).await;
    let_pass(&database, 16);
    let _new = try_lock(&database).await.expect("it has ended");
    let lost = tokio::time::timeout(LONG, old.lost()).await;
    assert!(is_lost(&lost.expect("its next renewal shows it")));
}

#[tokio::test]
async fn a_lease_is_not_taken_over_before_its_end() {
    let Some(database) = postgres::database() else { return };
    let old = lock(&database).await;
    for seconds in [0, 10] {
        let_pass(&database, seconds);
        let error = try_lock(&database).await.map(drop).expect_err("it holds");
        let StateError::Locked { holder: Some(by), lease_ends: Some(left), .. } = &error else {
            panic!("{error}");
        };
        let most = Duration::from_secs(15 - u64::from(seconds));
        assert!(**by == holder(1) && *left <= most && !left.is_zero(), "{error}");
    }
    append(&old, vec![result("chat/a")]).await;
    let error = try_lock(&database).await.map(drop).expect_err("it is renewed");
    assert!(
        matches!(error, StateError::Locked { lease_ends: Some(left), .. } if left > Duration::from_secs(10)),
        "{error}"
    );
}

#[tokio::test]
async fn a_lease_that_was_not_taken_over_goes_on_after_its_end() {
    let Some(database) = postgres::database() else { return };
    let old = lock(&database).await;
    let_pass(&database, 60);
    append(&old, vec![result("chat/a")]).await;
    try_lock(&database).await.map(drop).expect_err("it is renewed");
    fold(old).await;
    assert_eq!(names(&read(&database).await), ["chat/a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_takes_a_lease_that_has_ended() {
    let Some(database) = postgres::database() else { return };
    let old = lock(&database).await;
    let_pass(&database, 16);
    let mut runs = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let database = database.clone();
        runs.spawn(async move { try_lock(&database).await });
    }
    let mut taken = Vec::new();
    while let Some(run) = runs.join_next().await {
        match run.expect("no panic") {
            Ok(writer) => taken.push(writer),
            Err(StateError::Locked { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((taken.len(), database.sql("SELECT epoch FROM head").as_str()), (1, "2"));
    append(&taken[0], vec![result("chat/a")]).await;
    old.check().await.expect_err("it is another's");
}

/// The server failed over to a standby that had not received the last entry.
#[tokio::test]
async fn a_holder_whose_last_entry_is_gone_stops() {
    let Some(database) = postgres::database() else { return };
    let writer = lock(&database).await;
    append(&writer, vec![result("chat/a")]).await;
    database.sql("CREATE TABLE received AS TABLE head");
    append(&writer, vec![intent("chat/b")]).await;
    database.sql(
        "DELETE FROM journal WHERE number = 2; DELETE FROM head; INSERT INTO head TABLE received",
    );
    let before = database.sql("TABLE head");
    let error = writer.append(vec![result("chat/b")]).await.map(drop).expect_err("it is gone");
    assert!(matches!(error, StateError::Outdated { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains("its last writes are no longer there, although the server confirmed them"),
        "{error}"
    );
    writer.fold(calls(1)).await.map(drop).expect_err("it has stopped");
    assert_eq!(
        (database.sql("TABLE head"), database.sql("SELECT count(*) FROM journal")),
        (before, "1".into())
    );
}

/// Every statement of a session that is serializable fails where another one came first.
#[tokio::test(flavor = "multi_thread")]
async fn a_role_whose_transactions_are_serializable_keeps_the_lease() {
    let Some(database) = postgres::database() else { return };
    let database = database.by_new_owner();
    let role = &database.user;
    database.sql(&format!("ALTER ROLE {role} SET default_transaction_isolation = serializable"));
    one_of_many(&database).await;
}

async fn one_of_many(database: &Database) {
    let mut runs = tokio::task::JoinSet::new();
    for n in 0..5 {
        let database = database.clone();
        runs.spawn(async move {
            let store = database.store();
            let writer = store.lock(holder(n), Duration::from_mins(1)).await.expect("its turn");
            append(&writer, vec![result(&format!("chat/{n}"))]).await;
            fold(writer).await
        });
    }
    let mut serials = Vec::new();
    while let Some(serial) = runs.join_next().await {
        serials.push(serial.expect("no panic"));
    }
    serials.sort_unstable();
    assert_eq!(serials, [1, 2, 3, 4, 5]);
    assert_eq!(names(&read(database).await).len(), 5);
}
