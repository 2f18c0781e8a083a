//! Readers while another run writes.

use std::time::Duration;

use super::Subject;
use super::fixtures::{
    address, append, fold, holder, intent, lock, names, pending_record, read, record, recorded,
    result,
};

pub(super) async fn readers_see_open_intents_and_the_run_in_progress(subject: &dyn Subject) {
    recorded(subject, &["chat/a"]).await;
    let writer = lock(subject).await;
    append(&writer, vec![intent("chat/b")]).await;
    let meanwhile = read(subject).await;
    assert_eq!(meanwhile.recorded.rooms[&address("chat/b")], pending_record("chat/b"));
    assert_eq!(meanwhile.in_progress, Some(holder(1)));
    assert!(meanwhile.ended_uncleanly, "its last calls are not known yet");
    append(&writer, vec![result("chat/b")]).await;
    assert_eq!(read(subject).await.recorded.rooms[&address("chat/b")], record("chat/b"));
    assert_eq!(names(writer.snapshot()), ["chat/a"], "the snapshot is as of taking the lock");
    fold(writer).await;
    assert_eq!(read(subject).await.in_progress, None);
}

/// Each run records and folds one room. A concurrent reader must never see fewer rooms than before.
pub(super) async fn concurrent_readers_see_complete_folds(subject: &dyn Subject) {
    const RUNS: usize = 20;
    let rooms: Vec<String> = (0..RUNS).map(|n| format!("chat/{n:02}")).collect();
    let store = subject.store();
    let (done, mut ended) = tokio::sync::oneshot::channel::<()>();
    let reader = tokio::spawn(async move {
        let mut counts = Vec::new();
        while ended.try_recv() == Err(tokio::sync::oneshot::error::TryRecvError::Empty) {
            counts.push(store.read().await.expect("a complete record").recorded.rooms.len());
            // Lets the paused clock advance.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        counts
    });
    for room in &rooms {
        recorded(subject, &[room.as_str()]).await;
    }
    done.send(()).expect("the reader runs");
    let counts = reader.await.expect("no panic");
    assert!(counts.is_sorted(), "a room was missing in a read: {counts:?}");
    assert_eq!(names(&read(subject).await), rooms);
}

pub(super) async fn a_read_includes_all_earlier_appends(subject: &dyn Subject) {
    recorded(subject, &["chat/a"]).await;
    let store = subject.store();
    let writer = lock(subject).await;
    for n in 0..3 {
        let before = store.read().await.expect("a record").recorded.rooms.len();
        append(&writer, vec![intent(&format!("chat/b{n}")), result(&format!("chat/c{n}"))]).await;
        assert_eq!(store.read().await.expect("a record").recorded.rooms.len(), before + 2);
    }
    fold(writer).await;
    assert_eq!(store.read().await.expect("a record").recorded.rooms.len(), 7);
}
