//! Repairs of damaged, missing and inconsistent objects.

use bytes::Bytes;

use super::super::{ObjectStore, repair};
use super::*;
use crate::state::Repair;

async fn find_repair(client: &Client, wait: Duration) -> Result<Option<Repair>, StateError> {
    let ObjectStore { bucket, lease, shared: _ } = client.store();
    repair::compute(bucket, lease, holder(9), wait).await
}

/// Repairs the state, and returns its rooms.
async fn repaired(client: &Client) -> Vec<String> {
    let repair = find_repair(client, LONG).await.expect("repairable").expect("needed");
    repair.write.await.expect("written");
    assert!(find_repair(client, LONG).await.expect("sound").is_none(), "once is enough");
    let writer = lock(client, 5, LONG).await.expect("the lease");
    writer.fold(LastCalls::new()).await.expect("a fold");
    names(&read(client).await)
}

/// Writes a state with one room in the document, and one in the journal of a crashed run.
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
async fn a_sound_state_needs_no_repair() {
    let store = FakeStore::default();
    let client = store.client();
    assert!(find_repair(&client, LONG).await.expect("nothing there").is_none());
    crashed(&store).await;
    let before = store.bytes(&Name::Head);
    assert!(find_repair(&client, LONG).await.expect("sound").is_none());
    assert_eq!(store.bytes(&Name::Head), before);
}

#[tokio::test(start_paused = true)]
async fn a_repair_is_refused_while_the_lease_is_held() {
    let store = FakeStore::default();
    let _held = lock(&store.client(), 1, LONG).await.expect("the lease");
    let error = find_repair(&store.client(), Duration::ZERO).await.map(drop).expect_err("held");
    assert!(matches!(error, StateError::Locked { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_repair_keeps_every_room_of_both_objects() {
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
                // An earlier version of the state.
                recorded(&store.client(), &["chat/later"]).await;
                store.set(&Name::State, Some(state));
                vec![old]
            }
            _ => {
                // An earlier version of the head.
                recorded(&store.client(), &["chat/later"]).await;
                store.set(&Name::Head, Some(head));
                vec!["chat/later", new, old]
            }
        };
        assert_eq!(repaired(&store.client()).await, expected, "case {case}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_that_changed_since_it_was_read_is_not_overwritten() {
    for name in [Name::Head, Name::State] {
        let store = FakeStore::default();
        crashed(&store).await;
        store.set(&Name::State, Some(flipped(&store.bytes(&Name::State).expect("a state"), 20)));
        let repair = find_repair(&store.client(), LONG).await.expect("repairable").expect("needed");
        let mut changed = store.bytes(&name).expect("an object").to_vec();
        changed.push(b'\n');
        store.set(&name, Some(changed.into()));
        let error = repair.write.await.expect_err("changed");
        assert!(matches!(error, StateError::Changed { .. }), "{name:?}: {error}");
    }
}
