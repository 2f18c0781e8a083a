//! The lineage of a state, and replacing a state by a whole record.

use std::collections::BTreeMap;

use roomctl::model::{Lineage, Recorded};
use roomctl::state::{Found, StateError};

use super::fixtures::{
    LOCK_WAIT, address, append, chat, fold, holder, identity, lock, names, pending_record, read,
    record, recorded, result,
};
use super::{FileSubject, MemorySubject, Subject};

pub(super) async fn each_state_keeps_its_own_lineage(subject: &dyn Subject) {
    recorded(subject, &["chat/a"]).await;
    let lineage = read(subject).await.recorded.lineage.clone();
    recorded(subject, &["chat/b"]).await;
    assert_eq!(read(subject).await.recorded.lineage, lineage);
    for other in [&FileSubject::new() as &dyn Subject, &MemorySubject::new()] {
        recorded(other, &["chat/a"]).await;
        assert_ne!(read(other).await.recorded.lineage, lineage);
    }
}

pub(super) async fn the_lineage_of_a_new_state_is_known_before_its_first_entry(
    subject: &dyn Subject,
) {
    let writer = lock(subject).await;
    let lineage = writer.lineage().expect("a lineage");
    assert_eq!(writer.lineage().expect("a lineage"), lineage);
    assert_eq!(
        (&writer.snapshot().recorded.lineage, read(subject).await.found),
        (&None, Found::New)
    );
    append(&writer, vec![result("chat/a")]).await;
    fold(writer).await;
    assert_eq!(read(subject).await.recorded.lineage, Some(lineage.clone()));
    assert_eq!(lock(subject).await.lineage().expect("a lineage"), lineage);
}

pub(super) async fn only_a_new_state_continues_an_earlier_lineage(subject: &dyn Subject) {
    let lineage = |n: u8| Lineage(format!("00000000-0000-4000-8000-00000000000{n}"));
    for (n, expected) in [(1, 1), (2, 1)] {
        let writer = lock(subject).await;
        writer.continue_lineage(lineage(n)).expect("taken");
        assert_eq!(writer.lineage().expect("a lineage"), lineage(expected));
        append(&writer, vec![result("chat/a")]).await;
        fold(writer).await;
        assert_eq!(read(subject).await.recorded.lineage, Some(lineage(expected)));
    }
}

/// Returns a record of another lineage.
fn replacement() -> Recorded {
    Recorded {
        lineage: Some(Lineage("7e9bb6ff-0d44-4ef7-9df9-7f1f5b8a1f44".to_owned())),
        serial: 40,
        providers: BTreeMap::from([(chat(), identity())]),
        rooms: BTreeMap::from([
            (address("chat/x"), record("chat/x")),
            (address("chat/y"), pending_record("chat/y")),
        ]),
        plans: vec!["a-plan".to_owned()],
        moved_to: None,
    }
}

pub(super) async fn a_replace_sets_the_record_with_its_lineage_and_serial(subject: &dyn Subject) {
    recorded(subject, &["chat/a"]).await;
    let writer = lock(subject).await;
    append(&writer, vec![result("chat/b")]).await;
    writer.replace(replacement()).await.expect("replaced");
    assert_eq!(*read(subject).await.recorded, replacement());
    assert_eq!(names(writer.snapshot()), ["chat/a"], "the snapshot is as of taking the lock");
    assert_eq!(fold(writer).await, 40);
    assert_eq!(*read(subject).await.recorded, replacement());
    assert_eq!(recorded(subject, &["chat/b"]).await, 41);
}

pub(super) async fn a_replaced_state_and_later_entries_survive_a_crash(subject: &dyn Subject) {
    recorded(subject, &["chat/a"]).await;
    let writer = lock(subject).await;
    writer.replace(replacement()).await.expect("replaced");
    append(&writer, vec![result("chat/y")]).await;
    drop(writer);
    let next = lock(subject).await;
    let Recorded { lineage, serial, rooms, .. } = &*next.snapshot().recorded;
    assert_eq!((lineage, *serial), (&replacement().lineage, 41));
    assert_eq!(rooms[&address("chat/y")], record("chat/y"));
    assert_eq!(names(next.snapshot()), ["chat/x", "chat/y"]);
}

pub(super) async fn a_whole_record_can_replace_a_new_state(subject: &dyn Subject) {
    let writer = lock(subject).await;
    writer.replace(replacement()).await.expect("replaced");
    fold(writer).await;
    let snapshot = read(subject).await;
    assert_eq!((&*snapshot.recorded, snapshot.found), (&replacement(), Found::Existing));
}

pub(super) async fn a_moved_state_is_readable_and_cannot_be_locked(subject: &dyn Subject) {
    recorded(subject, &["chat/a"]).await;
    let writer = lock(subject).await;
    let before = writer.snapshot().recorded.clone();
    let moved_to = Some("s3://bucket/rooms.state.json".into());
    let moved = Recorded { serial: before.serial + 1, moved_to, ..(*before).clone() };
    writer.replace(moved.clone()).await.expect("marked");
    fold(writer).await;
    for _ in 0..2 {
        let error = subject.store().lock(holder(1), LOCK_WAIT).await.map(drop).expect_err("moved");
        assert!(
            matches!(&error, StateError::Moved { to } if **to == *"s3://bucket/rooms.state.json")
        );
        assert!(error.to_string().contains("--state s3://bucket/rooms.state.json"), "{error}");
        assert_eq!(*read(subject).await.recorded, moved, "its records are unchanged");
    }
    assert_eq!(subject.store().held().await.expect("an answer"), None);
}
