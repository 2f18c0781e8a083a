//! Rooms that are in memory already: records of equal rooms share them while the state is read.

use std::sync::Arc;

use crate::model::{Address, Desired, RecordedRoom};

/// The declared rooms: of a million that are recorded as they are declared, each is held once.
#[derive(Clone, Debug, Default)]
pub(in crate::state) struct SharedRooms(Option<Arc<Desired>>);

impl SharedRooms {
    /// Shares the rooms that are declared.
    pub(in crate::state) fn declared(desired: Arc<Desired>) -> Self {
        Self(Some(desired))
    }

    /// Replaces each room that equals the declared one of its address by that one. Linear where
    /// `records` are in the order of the addresses.
    pub(super) fn share(&self, records: &mut [(Address, RecordedRoom)]) {
        let declared = self.0.as_deref().map_or(&[][..], |desired| &desired.rooms);
        let mut next = 0;
        for (address, record) in records {
            let expected = declared.get(next).is_some_and(|it| it.address == *address);
            let search = || declared.binary_search_by(|it| it.address.cmp(address));
            match if expected { Ok(next) } else { search() } {
                Ok(at) => {
                    if declared[at].room == record.room {
                        record.room = Arc::clone(&declared[at].room);
                    }
                    next = at + 1;
                }
                Err(at) => next = at,
            }
        }
    }
}
