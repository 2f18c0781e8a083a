//! How a stand-in is set up: its applications, limits and bad days.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::model::{AttributeLimits, Secret};

use super::{Action, EmulatorError, FaultShare};

/// The requests a second that the vendor allows of each action.
const RATE_LIMIT: u32 = 20;

/// The secret where nobody set one: known to everyone, and good for the emulator only.
const OWN_SECRET: &str = "0123456789abcdef0123456789abcdef";

/// How a stand-in is set up. Begin with [`Settings::new`] and change what differs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The applications, each with rooms, people, users and limits of its own.
    pub apps: Vec<App>,
    /// The rooms that one application may have alive; none: as many as it likes.
    pub max_rooms: Option<u64>,
    /// The requests of an action in any second, for the actions that differ from the vendor's 20.
    pub rate_limits: BTreeMap<Action, u32>,
    /// What one room takes as attributes: 20 of them, keys of 16 bytes, values of 1,024, 5,120 in all.
    pub attribute_limits: AttributeLimits,
    /// What becomes of the attributes while a room is empty.
    pub retention: Retention,
    /// How QueryRoomAttribute answers for a room that does not exist.
    pub missing_room: MissingRoom,
    /// The time that every request takes: half of it before it counts as arrived, half after the work.
    pub latency: Duration,
    /// The most that chance adds to the latency.
    pub jitter: Duration,
    /// What goes wrong, and how often; 100% together at most.
    pub faults: Vec<FaultShare>,
    /// The seed of everything that is left to chance.
    pub seed: u64,
}

/// One application.
#[derive(Clone, Debug)]
pub struct App {
    /// ZEGOCLOUD's AppId.
    pub app_id: u32,
    /// Its ServerSecret.
    pub secret: Secret,
}

/// What becomes of the attributes while a room is empty. The vendor says "not retained by default" on one
/// page and "retained" in a release note.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retention {
    /// A room that nobody has entered keeps what it was created with; when the last user leaves, all go.
    #[default]
    UntilLeft,
    /// They stay as long as the room.
    Always,
}

/// How QueryRoomAttribute answers for a room that does not exist: the vendor does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingRoom {
    /// With 660300001.
    #[default]
    Refused,
    /// With 0 and no attributes.
    EmptyAnswer,
}

impl Settings {
    /// A friendly service: the vendor's limits, no quota, no delay, nothing goes wrong.
    #[must_use]
    pub fn new(apps: Vec<App>) -> Self {
        Self {
            apps,
            max_rooms: None,
            rate_limits: BTreeMap::new(),
            attribute_limits: AttributeLimits {
                attributes: 20,
                key_bytes: 16,
                value_bytes: 1024,
                total_bytes: 5120,
            },
            retention: Retention::default(),
            missing_room: MissingRoom::default(),
            latency: Duration::ZERO,
            jitter: Duration::ZERO,
            faults: Vec::new(),
            seed: 0,
        }
    }

    /// The requests of `action` that one application may make in any second.
    #[must_use]
    pub fn rate_limit(&self, action: Action) -> u32 {
        self.rate_limits.get(&action).copied().unwrap_or(RATE_LIMIT)
    }

    pub(super) fn check(&self) -> Result<(), EmulatorError> {
        let mut seen = BTreeSet::new();
        if let Some(twice) = self.apps.iter().find(|app| !seen.insert(app.app_id)) {
            return Err(EmulatorError::AppTwice { app: twice.app_id });
        }
        let all: f64 = self.faults.iter().map(|fault| fault.share.as_fraction()).sum();
        if all > 1.0 + f64::EPSILON * 8.0 {
            return Err(EmulatorError::FaultsOverWhole { percent: all * 100.0 });
        }
        Ok(())
    }
}

impl App {
    /// The application `app_id` with the emulator's own secret, for where nobody set one.
    #[must_use]
    pub fn with_own_secret(app_id: u32) -> Self {
        Self { app_id, secret: Secret::new(OWN_SECRET.to_owned()) }
    }
}
