//! The lease: taking it over, and detecting its loss.

use std::time::Duration;

use roomctl::state::{EarlierHolder, LeaseEnd, StateError};

use super::super::Subject;
use super::super::fixtures::{
    LOCK_WAIT, address, append, calls, fold, holder, intent, lock, names, pending_record, read,
    result,
};
use crate::support::postgres::{self, Database};

/// Sets the last renewal back, as if time had passed.
fn age_lease(database: &Database, seconds: u32) {
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
async fn an_expired_lease_is_taken_over_and_the_old_holder_can_write_nothing() {
    let Some(database) = postgres::database() else { return };
    let old = lock(&database).await;
    let sent = old.append(vec![intent("chat/a")]).await.expect("durable");
    assert!(sent.may_send());
    age_lease(&database, 16);
    let new = try_lock(&database).await.expect("the lease has expired");
    let EarlierHolder { calls_ended: _, lease } =
        new.snapshot().earlier.expect("an earlier holder");
    assert_eq!((lease, new.snapshot().ended_uncleanly), (LeaseEnd::TakenOver, true));
    assert_eq!(new.snapshot().recorded.rooms[&address("chat/a")], pending_record("chat/a"));
    append(&new, vec![result("chat/b")]).await;

    let error = old.append(vec![result("chat/c")]).await.map(drop).expect_err("the lease is lost");
    assert!(is_lost(&error), "{error}");
    assert!(!sent.may_send(), "the window of its calls is closed");
    let error = old.fold(calls(1)).await.map(drop).expect_err("the lease is lost");
    assert!(is_lost(&error), "{error}");
    drop(old);
    assert_eq!(names(&read(&database).await), ["chat/a", "chat/b"]);
    assert_eq!(read(&database).await.in_progress, Some(holder(2)));
    fold(new).await;
    assert_eq!(names(&read(&database).await), ["chat/a", "chat/b"]);
}

#[tokio::test]
async fn an_idle_holder_detects_the_loss_of_its_lease() {
    let Some(database) = postgres::database() else { return };
    let old = lock(&database).await;
    age_lease(&database, 16);
    let _new = try_lock(&database).await.expect("the lease has expired");
    let lost = tokio::time::timeout(LOCK_WAIT, old.lost()).await;
    assert!(is_lost(&lost.expect("its next renewal fails")));
}

#[tokio::test]
async fn a_lease_is_not_taken_over_before_it_expires() {
    let Some(database) = postgres::database() else { return };
    let old = lock(&database).await;
    for seconds in [0, 10] {
        age_lease(&database, seconds);
        let error = try_lock(&database).await.map(drop).expect_err("the lease is held");
        let StateError::Locked { holder: Some(by), lease_ends: Some(left), .. } = &error else {
            panic!("{error}");
        };
        let most = Duration::from_secs(15 - u64::from(seconds));
        assert!(**by == holder(1) && *left <= most && !left.is_zero(), "{error}");
    }
    append(&old, vec![result("chat/a")]).await;
    let error = try_lock(&database).await.map(drop).expect_err("the lease was renewed");
    assert!(
        matches!(error, StateError::Locked { lease_ends: Some(left), .. } if left > Duration::from_secs(10)),
        "{error}"
    );
}

#[tokio::test]
async fn an_expired_lease_that_no_run_took_over_is_renewed() {
    let Some(database) = postgres::database() else { return };
    let old = lock(&database).await;
    age_lease(&database, 60);
    append(&old, vec![result("chat/a")]).await;
    try_lock(&database).await.map(drop).expect_err("the lease was renewed");
    fold(old).await;
    assert_eq!(names(&read(&database).await), ["chat/a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_concurrent_runs_takes_an_expired_lease() {
    let Some(database) = postgres::database() else { return };
    let old = lock(&database).await;
    age_lease(&database, 16);
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
    old.check().await.expect_err("another run holds the lease");
}

/// As after a failover to a standby that had not received the last entry.
#[tokio::test]
async fn a_holder_whose_last_entry_was_lost_stops() {
    let Some(database) = postgres::database() else { return };
    let writer = lock(&database).await;
    append(&writer, vec![result("chat/a")]).await;
    database.sql("CREATE TABLE received AS TABLE head");
    append(&writer, vec![intent("chat/b")]).await;
    database.sql(
        "DELETE FROM journal WHERE number = 2; DELETE FROM head; INSERT INTO head TABLE received",
    );
    let before = database.sql("TABLE head");
    let error =
        writer.append(vec![result("chat/b")]).await.map(drop).expect_err("the last entry is gone");
    assert!(matches!(error, StateError::Outdated { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains("its last writes are no longer there, although the server confirmed them"),
        "{error}"
    );
    writer.fold(calls(1)).await.map(drop).expect_err("the holder has stopped");
    assert_eq!(
        (database.sql("TABLE head"), database.sql("SELECT count(*) FROM journal")),
        (before, "1".into())
    );
}

/// With serializable isolation, concurrent statements fail with a serialization error.
#[tokio::test(flavor = "multi_thread")]
async fn runs_of_a_serializable_role_take_the_lease_in_turn() {
    let Some(database) = postgres::database() else { return };
    let database = database.by_new_owner();
    let role = &database.user;
    database.sql(&format!("ALTER ROLE {role} SET default_transaction_isolation = serializable"));
    assert_runs_take_turns(&database).await;
}

async fn assert_runs_take_turns(database: &Database) {
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
