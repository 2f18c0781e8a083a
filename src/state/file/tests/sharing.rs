//! Rooms that are recorded exactly as they are declared.

use std::sync::Arc;

use crate::state::ReadStore;
use crate::state::format::SharedRooms;
use crate::state::samples::declaring;

use super::{locked, temporary, with_a_room};

#[tokio::test]
async fn readers_and_writers_share_a_declared_room() {
    let folder = temporary();
    let store = with_a_room(&folder).await;
    let recorded = store.read().await.expect("a state").recorded;
    let (address, record) = recorded.rooms.first_key_value().expect("a room");
    let room = Arc::new((*record.room).clone());
    let store =
        store.sharing(SharedRooms::declared(declaring(vec![(address.clone(), Arc::clone(&room))])));
    let read = store.read().await.expect("a state").recorded;
    let locked = locked(&store).await;
    for recorded in [&read, &locked.snapshot().recorded] {
        assert!(Arc::ptr_eq(&recorded.rooms[address].room, &room));
    }
}
