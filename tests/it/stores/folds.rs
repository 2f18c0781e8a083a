//! The journal and its folds.

use std::collections::BTreeMap;

use roomctl::state::{Entry, Folded, Found, LastCalls, Snapshot};

use super::Subject;
use super::fixtures::{
    address, append, calls, chat, fold, identity, intent, lock, names, pending_record, read,
    record, recorded, result,
};

pub(super) async fn a_missing_state_is_new_and_stays_new_without_entries(subject: &dyn Subject) {
    for _ in 0..2 {
        let snapshot = read(subject).await;
        assert_eq!((snapshot.found, snapshot.recorded.serial), (Found::New, 0));
        assert_eq!((names(&snapshot).len(), &snapshot.recorded.lineage), (0, &None));
        assert!(!snapshot.ended_uncleanly && snapshot.in_progress.is_none());
        let writer = lock(subject).await;
        assert_eq!((writer.snapshot().found, writer.snapshot().folded), (Found::New, None));
        assert_eq!(writer.fold(LastCalls::new()).await.expect("an end"), Folded { serial: 0 });
    }
}

pub(super) async fn a_folded_record_is_read_back(subject: &dyn Subject) {
    let writer = lock(subject).await;
    writer.reserve(2).await.expect("room");
    writer.check().await.expect("nothing changed");
    append(&writer, vec![Entry::Provider(chat(), identity()), result("chat/a")]).await;
    assert_eq!(writer.fold(calls(5_000)).await.expect("a fold"), Folded { serial: 1 });
    let Snapshot { recorded, found, last_calls, ended_uncleanly, in_progress, folded, earlier: _ } =
        read(subject).await;
    assert_eq!(recorded.rooms, BTreeMap::from([(address("chat/a"), record("chat/a"))]));
    assert_eq!(recorded.providers, BTreeMap::from([(chat(), identity())]));
    assert_eq!((recorded.serial, found, last_calls), (1, Found::Existing, calls(5_000)));
    assert_eq!((ended_uncleanly, in_progress, folded), (false, None, None));
    let again = lock(subject).await;
    assert_eq!(again.snapshot().recorded, recorded);
    assert_eq!(again.snapshot().folded, None, "the journal was folded before");
}

pub(super) async fn appended_entries_survive_a_crash(subject: &dyn Subject) {
    recorded(subject, &["chat/a"]).await;
    let writer = lock(subject).await;
    append(&writer, vec![intent("chat/b"), intent("chat/c")]).await;
    append(&writer, vec![result("chat/c")]).await;
    drop(writer);
    let left = read(subject).await;
    assert_eq!(names(&left), ["chat/a", "chat/b", "chat/c"]);
    let next = lock(subject).await;
    assert_eq!(next.snapshot().recorded.rooms, left.recorded.rooms);
    assert_eq!((next.snapshot().folded, next.snapshot().recorded.serial), (Some(2), 2));
    assert!(next.snapshot().ended_uncleanly);
    assert_eq!(next.snapshot().recorded.rooms[&address("chat/b")], pending_record("chat/b"));
}

pub(super) async fn an_open_intent_survives_every_fold(subject: &dyn Subject) {
    let writer = lock(subject).await;
    append(&writer, vec![intent("chat/a")]).await;
    fold(writer).await;
    recorded(subject, &["chat/b"]).await;
    assert_eq!(read(subject).await.recorded.rooms[&address("chat/a")], pending_record("chat/a"));
}

pub(super) async fn the_last_entry_of_a_room_counts(subject: &dyn Subject) {
    let writer = lock(subject).await;
    let removed = Entry::Removed(address("chat/a"));
    append(&writer, vec![intent("chat/a"), result("chat/a"), removed, intent("chat/b")]).await;
    append(&writer, vec![result("chat/b")]).await;
    fold(writer).await;
    let rooms = read(subject).await.recorded.rooms.clone();
    assert_eq!(rooms, BTreeMap::from([(address("chat/b"), record("chat/b"))]));
}

pub(super) async fn concurrent_appends_are_all_durable(subject: &dyn Subject) {
    const COUNT: usize = 50;
    let writer = lock(subject).await;
    let mut appends = tokio::task::JoinSet::new();
    for n in 0..COUNT {
        let writer = writer.clone();
        appends.spawn(async move { writer.append(vec![result(&format!("chat/{n}"))]).await });
    }
    while let Some(appended) = appends.join_next().await {
        appended.expect("no panic").expect("durable");
    }
    drop(writer);
    assert_eq!(names(lock(subject).await.snapshot()).len(), COUNT);
}

pub(super) async fn a_fold_that_changes_nothing_keeps_the_serial(subject: &dyn Subject) {
    let serial = recorded(subject, &["chat/a"]).await;
    let writer = lock(subject).await;
    append(&writer, vec![intent("chat/a")]).await;
    append(&writer, vec![result("chat/a")]).await;
    assert_eq!(fold(writer).await, serial);
    assert_eq!(recorded(subject, &["chat/a", "chat/b"]).await, serial + 1);
}

pub(super) async fn removed_rooms_and_providers_are_no_longer_recorded(subject: &dyn Subject) {
    let writer = lock(subject).await;
    append(&writer, vec![Entry::Provider(chat(), identity()), result("chat/a")]).await;
    fold(writer).await;
    let writer = lock(subject).await;
    let removed = vec![Entry::Removed(address("chat/a")), Entry::ProviderRemoved(chat())];
    append(&writer, removed).await;
    fold(writer).await;
    let snapshot = read(subject).await;
    assert!(snapshot.recorded.rooms.is_empty() && snapshot.recorded.providers.is_empty());
    assert_eq!(snapshot.found, Found::Existing, "no rooms, but a state");
}

pub(super) async fn a_run_without_calls_keeps_the_last_calls(subject: &dyn Subject) {
    let writer = lock(subject).await;
    append(&writer, vec![result("chat/a")]).await;
    writer.fold(calls(5_000)).await.expect("a fold");
    drop(lock(subject).await);
    assert!(read(subject).await.ended_uncleanly, "a run that crashed may have made calls");
    lock(subject).await.fold(LastCalls::new()).await.expect("an end");
    let snapshot = read(subject).await;
    assert_eq!((snapshot.last_calls, snapshot.ended_uncleanly), (calls(5_000), true));
}

pub(super) async fn nothing_is_appended_after_the_fold(subject: &dyn Subject) {
    let writer = lock(subject).await;
    append(&writer, vec![result("chat/a")]).await;
    writer.fold(calls(1)).await.expect("a fold");
    writer.append(vec![intent("chat/b")]).await.expect_err("the lock is released");
    writer.check().await.expect_err("the lock is released");
    writer.fold(calls(2)).await.expect_err("once");
    assert_eq!(names(&read(subject).await), ["chat/a"]);
}

pub(super) async fn a_hundred_thousand_rooms_are_stored(subject: &dyn Subject) {
    const ROOMS: usize = 100_000;
    const BATCH: usize = 10_000;
    let writer = lock(subject).await;
    for batch in 0..ROOMS / BATCH {
        let numbers = batch * BATCH..(batch + 1) * BATCH;
        append(&writer, numbers.map(|n| result(&format!("chat/{n:06}"))).collect()).await;
    }
    fold(writer).await;
    let read = read(subject).await.recorded;
    assert_eq!(read.rooms.len(), ROOMS);
    let (first, last) = (address("chat/000000"), address("chat/099999"));
    assert_eq!(read.rooms.keys().next().zip(read.rooms.keys().next_back()), Some((&first, &last)));
    let writer = lock(subject).await;
    append(&writer, vec![Entry::Removed(first)]).await;
    fold(writer).await;
    assert_eq!(subject.store().read().await.expect("a record").recorded.rooms.len(), ROOMS - 1);
}
