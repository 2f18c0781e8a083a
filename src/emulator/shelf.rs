//! The rooms and users of one kind, and the order in which rooms end.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Timestamp;

use super::room::Room;

/// Everything that applications of one kind have.
#[derive(Debug)]
pub(super) struct Shelf<R> {
    apps: BTreeMap<u32, Holdings<R>>,
    /// When each empty room ends, soonest first.
    ends: BTreeSet<(Timestamp, u32, String)>,
}

/// What one application has.
#[derive(Debug)]
pub(super) struct Holdings<R> {
    pub(super) rooms: BTreeMap<String, R>,
    pub(super) users: BTreeSet<String>,
}

impl<R: Room> Shelf<R> {
    /// Lets the room be so from now on.
    pub(super) fn put(&mut self, app: u32, id: String, room: R) {
        self.remove(app, &id);
        if let Some(end) = room.end() {
            self.ends.insert((end, app, id.clone()));
        }
        self.apps.entry(app).or_default().rooms.insert(id, room);
    }

    /// Lets the room be gone.
    pub(super) fn remove(&mut self, app: u32, id: &str) {
        let room = self.apps.get_mut(&app).and_then(|holdings| holdings.rooms.remove(id));
        if let Some(end) = room.and_then(|room| room.end()) {
            self.ends.remove(&(end, app, id.to_owned()));
        }
    }

    /// Lets the users be registered.
    pub(super) fn register(&mut self, app: u32, ids: Vec<String>) {
        self.apps.entry(app).or_default().users.extend(ids);
    }

    /// Destroys the rooms whose time has come. Costs nothing where there are none.
    pub(super) fn expire(&mut self, now: Timestamp) {
        while let Some((end, app, id)) = self.ends.pop_first() {
            if end > now {
                self.ends.insert((end, app, id));
                return;
            }
            if let Some(holdings) = self.apps.get_mut(&app) {
                holdings.rooms.remove(&id);
            }
        }
    }

    /// The room, if it exists.
    pub(super) fn room(&self, app: u32, id: &str) -> Option<&R> {
        self.apps.get(&app)?.rooms.get(id)
    }

    /// Whether the user is registered.
    pub(super) fn knows(&self, app: u32, user: &str) -> bool {
        self.apps.get(&app).is_some_and(|holdings| holdings.users.contains(user))
    }

    /// The number of rooms alive.
    pub(super) fn alive(&self, app: u32) -> u64 {
        let rooms = self.apps.get(&app).map_or(0, |holdings| holdings.rooms.len());
        u64::try_from(rooms).unwrap_or(u64::MAX)
    }

    /// What one application has.
    pub(super) fn holdings(&self, app: u32) -> Option<&Holdings<R>> {
        self.apps.get(&app)
    }

    /// Every application and what it has.
    pub(super) fn apps(&self) -> impl Iterator<Item = (u32, &Holdings<R>)> {
        self.apps.iter().map(|(app, holdings)| (*app, holdings))
    }
}

impl<R> Default for Shelf<R> {
    fn default() -> Self {
        Self { apps: BTreeMap::new(), ends: BTreeSet::new() }
    }
}

impl<R> Default for Holdings<R> {
    fn default() -> Self {
        Self { rooms: BTreeMap::new(), users: BTreeSet::new() }
    }
}
