//! Everything that the stand-in service knows, and the one way to change it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::Timestamp;

use super::room::Room;

/// The rooms and users of all applications, and how far time runs ahead.
#[derive(Debug, Default)]
pub(super) struct World {
    ahead: Duration,
    apps: BTreeMap<u32, Holdings>,
    /// When each empty room ends, soonest first.
    ends: BTreeSet<(Timestamp, u32, String)>,
}

/// What one application has.
#[derive(Debug, Default)]
pub(super) struct Holdings {
    pub(super) rooms: BTreeMap<String, Room>,
    pub(super) users: BTreeSet<String>,
}

/// One change of the world: what something is from now on, so that applying it twice does no harm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Entry {
    /// The room is so.
    Room { app: u32, id: String, room: Room },
    /// The room was destroyed.
    Gone { app: u32, id: String },
    /// These users are registered.
    Users { app: u32, ids: Vec<String> },
    /// Time runs so many milliseconds ahead of the clock.
    Ahead { milliseconds: u64 },
}

impl World {
    /// Carries out one change.
    pub(super) fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Room { app, id, room } => self.put(app, id, room),
            Entry::Gone { app, id } => self.remove(app, &id),
            Entry::Users { app, ids } => self.apps.entry(app).or_default().users.extend(ids),
            Entry::Ahead { milliseconds } => self.ahead = Duration::from_millis(milliseconds),
        }
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

    /// How far time runs ahead of the clock.
    pub(super) fn ahead(&self) -> Duration {
        self.ahead
    }

    /// The room, if it exists.
    pub(super) fn room(&self, app: u32, id: &str) -> Option<&Room> {
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
    pub(super) fn holdings(&self, app: u32) -> Option<&Holdings> {
        self.apps.get(&app)
    }

    /// The changes that make this world out of an empty one.
    pub(super) fn entries(&self) -> impl Iterator<Item = Entry> {
        let milliseconds = u64::try_from(self.ahead.as_millis()).unwrap_or(u64::MAX);
        let apps = self.apps.iter().flat_map(|(app, holdings)| {
            let Holdings { rooms, users } = holdings;
            let users = Entry::Users { app: *app, ids: users.iter().cloned().collect() };
            let rooms = rooms.iter().map(|(id, room)| Entry::Room {
                app: *app,
                id: id.clone(),
                room: room.clone(),
            });
            std::iter::once(users).chain(rooms)
        });
        std::iter::once(Entry::Ahead { milliseconds }).chain(apps)
    }

    fn put(&mut self, app: u32, id: String, room: Room) {
        self.remove(app, &id);
        if let Some(end) = room.end() {
            self.ends.insert((end, app, id.clone()));
        }
        self.apps.entry(app).or_default().rooms.insert(id, room);
    }

    fn remove(&mut self, app: u32, id: &str) {
        let room = self.apps.get_mut(&app).and_then(|holdings| holdings.rooms.remove(id));
        if let Some(end) = room.and_then(|room| room.end()) {
            self.ends.remove(&(end, app, id.to_owned()));
        }
    }
}
