//! Taking, losing and ending the lock.

use std::time::Duration;

use roomctl::state::StateError;

use super::fixtures::{LOCK_WAIT, append, calls, fold, holder, intent, lock, names, result};
use super::{FileSubject, MemorySubject, Subject};

pub(super) async fn a_second_holder_is_refused_and_the_error_names_the_first(
    subject: &dyn Subject,
) {
    let writer = lock(subject).await;
    let second = subject.store().lock(holder(2), Duration::ZERO).await.map(drop);
    let error = second.expect_err("one at a time");
    assert!(
        matches!(&error, StateError::Locked { holder: Some(by), .. } if **by == holder(1)),
        "{error}"
    );
    assert!(error.to_string().contains("process 1"), "{error}");
    fold(writer).await;
    subject.store().lock(holder(2), Duration::ZERO).await.map(drop).expect("it is free");
}

pub(super) async fn a_second_holder_waits_for_the_lock(subject: &dyn Subject) {
    let writer = lock(subject).await;
    append(&writer, vec![result("chat/a")]).await;
    let store = subject.store();
    let second = tokio::spawn(async move { store.lock(holder(2), LOCK_WAIT).await.map(drop) });
    tokio::task::yield_now().await;
    fold(writer).await;
    second.await.expect("no panic").expect("the lock");
}

pub(super) async fn a_run_that_lost_its_lock_can_write_nothing(subject: &dyn Subject) {
    let writer = lock(subject).await;
    append(&writer, vec![intent("chat/a")]).await;
    subject.lose_lock().await;
    writer.append(vec![intent("chat/b")]).await.expect_err("no further call");
    writer.check().await.expect_err("no further call");
    writer.fold(calls(1)).await.expect_err("another run may hold the lock");
}

pub(super) async fn the_holder_is_read_without_taking_the_lock(subject: &dyn Subject) {
    assert_eq!(subject.store().held().await.expect("an answer"), None);
    let writer = lock(subject).await;
    append(&writer, vec![intent("chat/a")]).await;
    let held = subject.store().held().await.expect("an answer").expect("it is held");
    assert_eq!(held.holder, Some(holder(1)));
    writer.check().await.expect("reading the holder takes no lock");
    fold(writer).await;
    assert_eq!(subject.store().held().await.expect("an answer"), None);
}

pub(super) async fn unlock_ends_a_lease_but_not_an_os_lock(subject: &dyn Subject) {
    let writer = lock(subject).await;
    append(&writer, vec![intent("chat/a")]).await;
    let held = subject.store().held().await.expect("an answer").expect("it is held");
    let unlocked = subject.store().unlock(held.clone()).await;
    if held.lease.is_none() {
        let error = unlocked.expect_err("its process holds it");
        assert!(matches!(error, StateError::Locked { lease_ends: None, .. }), "{error}");
        return writer.check().await.expect("the lock");
    }
    unlocked.expect("unlocked");
    writer.append(vec![intent("chat/b")]).await.expect_err("no further call");
    let next = subject.store().lock(holder(2), Duration::ZERO).await.expect("at once");
    assert!(next.snapshot().ended_uncleanly);
    assert_eq!(names(next.snapshot()), ["chat/a"]);
    let error = subject.store().unlock(held).await.expect_err("another lease");
    let StateError::Locked { holder: Some(by), lease_ends: Some(_), .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(**by, holder(2));
    next.check().await.expect("the lease");
}

#[tokio::test(start_paused = true)]
async fn the_loss_of_a_lease_is_reported_to_its_holder() {
    let subject = MemorySubject::new();
    let writer = lock(&subject).await;
    let early = tokio::time::timeout(LOCK_WAIT, writer.lost()).await;
    early.expect_err("the lease has not expired");
    let waiting = writer.clone();
    let lost = tokio::spawn(async move { waiting.lost().await });
    tokio::task::yield_now().await;
    subject.lose_lock().await;
    let error = lost.await.expect("no panic");
    assert!(matches!(error, StateError::LeaseLost { .. }), "{error}");
    let second = lock(&subject).await;
    drop(writer);
    second.check().await.expect("dropping a lost lock releases nothing");
}

#[tokio::test(start_paused = true)]
async fn the_lock_of_a_file_does_not_expire() {
    let subject = FileSubject::new();
    let writer = lock(&subject).await;
    tokio::time::timeout(LOCK_WAIT, writer.lost())
        .await
        .expect_err("it is held until it is released");
}
