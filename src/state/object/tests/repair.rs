//! Repairs of objects that are damaged, missing, or of different times.

use bytes::Bytes;

use super::super::{ObjectStore, repair};
use super::*;
use crate::state::Repair;

async fn found(client: &Client, wait: Duration) -> Result<Option<Repair>, StateError> {
    let ObjectStore { bucket, lease, shared: _ } = client.store();
    repair::find(bucket, lease, holder(9), wait).await
}

/// Repairs, and returns the rooms that the state has then.
async fn repaired(client: &Client) -> Vec<String> {
    let repair = found(client, LONG).await.expect("repairable").expect("needed");
    repair.write.await.expect("written");
    assert!(found(client, LONG).await.expect("sound").is_none(), "once is enough");
    let writer = lock(client, 5, LONG).await.expect("the lease");
    writer.fold(LastCalls::new()).await.expect("a fold");
    names(&read(client).await)
}

/// Returns a state with a room in the document, and one in the journal of a run that crashed.
async fn crashed(store: &FakeStore) {
    recorded(&store.client(), &["chat/old"]).await;
    let client = store.client();
    let writer = lock(&client, 1, LONG).await.expect("the lease");
    writer.append(vec![intent("chat/new")]).await.expect("durable");
    client.freeze(LONG * 100);
}

fn flipped(bytes: &Bytes, at: usize) -> Bytes {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1;
    bytes.into()
}

#[tokio::test(start_paused = true)]
async fn what_is_sound_is_left_alone() {
    let store = FakeStore::default();
    let client = store.client();
    assert!(found(&client, LONG).await.expect("nothing there").is_none());
    crashed(&store).await;
    let before = store.bytes(&Name::Head);
    assert!(found(&client, LONG).await.expect("sound").is_none());
    assert_eq!(store.bytes(&Name::Head), before);
}

#[tokio::test(start_paused = true)]
async fn a_held_state_is_not_repaired() {
    let store = FakeStore::default();
    let _held = lock(&store.client(), 1, LONG).await.expect("the lease");
    let error = found(&store.client(), Duration::ZERO).await.map(drop).expect_err("held");
    assert!(matches!(error, StateError::Locked { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn no_room_that_either_object_names_is_lost() {
    let (new, old) = ("chat/new", "chat/old");
    for case in 0..6 {
        let store = FakeStore::default();
        crashed(&store).await;
        let (head, state) = (
            store.bytes(&Name::Head).expect("a head"),
            store.bytes(&Name::State).expect("a state"),
        );
        let expected = match case {
            0 => {
                store.set(&Name::Head, None);
                vec![old]
            }
            1 => {
                store.set(&Name::State, None);
                vec![new]
            }
            2 => {
                store.set(&Name::Head, Some(flipped(&head, 20)));
                vec![new, old]
            }
            3 => {
                store.set(&Name::State, Some(flipped(&state, 20)));
                vec![new, old]
            }
            4 => {
                // A state of an earlier time.
                recorded(&store.client(), &["chat/later"]).await;
                store.set(&Name::State, Some(state));
                vec![old]
            }
            _ => {
                // A head of an earlier time.
                recorded(&store.client(), &["chat/later"]).await;
                store.set(&Name::Head, Some(head));
                vec!["chat/later", new, old]
            }
        };
        assert_eq!(repaired(&store.client()).await, expected, "case {case}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_changed_since_it_was_read_is_not_overwritten() {
    for name in [Name::Head, Name::State] {
        let store = FakeStore::default();
        crashed(&store).await;
        store.set(&Name::State, Some(flipped(&store.bytes(&Name::State).expect("a state"), 20)));
        let repair = found(&store.client(), LONG).await.expect("repairable").expect("needed");
        let mut changed = store.bytes(&name).expect("an object").to_vec();
        changed.push(b'\n');
        store.set(&name, Some(changed.into()));
        let error = repair.write.await.expect_err("changed");
        assert!(matches!(error, StateError::Changed { .. }), "{name:?}: {error}");
    }
}
