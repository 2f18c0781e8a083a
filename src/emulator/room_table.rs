//! The rooms and users of one kind, and when rooms end.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Timestamp;

/// What the rooms of all kinds have in common: people, and an end.
pub(super) trait Room {
    /// Returns when the room ends; `None` if its end is not scheduled.
    fn end(&self) -> Option<Timestamp>;

    /// Returns the number of people inside.
    fn people(&self) -> u64;
}

/// The rooms and users of every application of one kind.
#[derive(Debug)]
pub(super) struct RoomTable<R> {
    apps: BTreeMap<u32, AppData<R>>,
    /// The scheduled ends, soonest first.
    ends: BTreeSet<(Timestamp, u32, String)>,
}

/// The rooms and users of one application.
#[derive(Debug)]
pub(super) struct AppData<R> {
    pub(super) rooms: BTreeMap<String, R>,
    pub(super) users: BTreeSet<String>,
}

impl<R: Room> RoomTable<R> {
    /// Stores a room, and replaces one with the same id.
    pub(super) fn insert(&mut self, app: u32, id: String, room: R) {
        self.remove(app, &id);
        if let Some(end) = room.end() {
            self.ends.insert((end, app, id.clone()));
        }
        self.apps.entry(app).or_default().rooms.insert(id, room);
    }

    /// Removes a room.
    pub(super) fn remove(&mut self, app: u32, id: &str) {
        let room = self.apps.get_mut(&app).and_then(|data| data.rooms.remove(id));
        if let Some(end) = room.and_then(|room| room.end()) {
            self.ends.remove(&(end, app, id.to_owned()));
        }
    }

    /// Registers users.
    pub(super) fn register(&mut self, app: u32, ids: Vec<String>) {
        self.apps.entry(app).or_default().users.extend(ids);
    }

    /// Removes the rooms whose end has passed.
    pub(super) fn expire(&mut self, now: Timestamp) {
        while let Some((end, app, id)) = self.ends.pop_first() {
            if end > now {
                self.ends.insert((end, app, id));
                return;
            }
            if let Some(data) = self.apps.get_mut(&app) {
                data.rooms.remove(&id);
            }
        }
    }

    /// Returns a room; `None` if it does not exist.
    pub(super) fn room(&self, app: u32, id: &str) -> Option<&R> {
        self.apps.get(&app)?.rooms.get(id)
    }

    /// Returns whether a user is registered.
    pub(super) fn is_registered(&self, app: u32, user: &str) -> bool {
        self.apps.get(&app).is_some_and(|data| data.users.contains(user))
    }

    /// Returns the number of rooms of an application.
    pub(super) fn alive(&self, app: u32) -> u64 {
        let rooms = self.apps.get(&app).map_or(0, |data| data.rooms.len());
        u64::try_from(rooms).unwrap_or(u64::MAX)
    }

    /// Returns all applications with their data.
    pub(super) fn apps(&self) -> impl Iterator<Item = (u32, &AppData<R>)> {
        self.apps.iter().map(|(app, data)| (*app, data))
    }
}

impl<R> Default for RoomTable<R> {
    fn default() -> Self {
        Self { apps: BTreeMap::new(), ends: BTreeSet::new() }
    }
}

impl<R> Default for AppData<R> {
    fn default() -> Self {
        Self { rooms: BTreeMap::new(), users: BTreeSet::new() }
    }
}
