//! What a look at the whole stand-in shows: for tests, which no vendor's API would let see so much.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{Attribute, Attributes, RoomId, Timestamp};

use super::Action;
use super::room::Room;
use super::traffic::{Calls, Traffic};
use super::world::Holdings;

/// The whole stand-in at one moment.
#[derive(Clone, Debug)]
pub struct Survey {
    /// The time in the emulator's world.
    pub now: Timestamp,
    /// The applications that it serves.
    pub apps: BTreeMap<u32, AppSurvey>,
    /// How many requests the gateway turned away, by code.
    pub turned_away: BTreeMap<i64, u64>,
}

/// One application.
#[derive(Clone, Debug, Default)]
pub struct AppSurvey {
    /// The rooms alive.
    pub rooms: BTreeMap<RoomId, RoomSurvey>,
    /// The registered users.
    pub users: BTreeSet<String>,
    /// The most rooms that were alive at once since the emulator was opened.
    pub most_rooms: u64,
    /// The calls since then, by action; none for an action that was not called.
    pub calls: BTreeMap<Action, CallSurvey>,
}

/// One room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomSurvey {
    /// The name it was created with.
    pub name: Option<String>,
    /// How long it lives while it is empty.
    pub delay: Duration,
    /// All its attributes.
    pub attributes: Attributes,
    /// The number of attribute changes so far.
    pub attribute_sequence: u64,
    /// The number of people inside.
    pub people: u64,
    /// When it will be destroyed; none while people are inside.
    pub ends: Option<Timestamp>,
}

/// The calls of one action.
#[derive(Clone, Debug, Default)]
pub struct CallSurvey {
    /// When each well-signed call arrived, in order, refused ones too; the last 262,144 of them.
    pub arrivals: Vec<Instant>,
    /// How many were answered with each code, also where a fault kept the answer back.
    pub answers: BTreeMap<i64, u64>,
}

impl AppSurvey {
    /// How many calls of `action` succeeded.
    #[must_use]
    pub fn served(&self, action: Action) -> u64 {
        self.answered(action, 0)
    }

    /// How many calls of `action` were answered with `code`.
    #[must_use]
    pub fn answered(&self, action: Action, code: i64) -> u64 {
        let answers = self.calls.get(&action).map(|calls| &calls.answers);
        answers.and_then(|answers| answers.get(&code)).copied().unwrap_or(0)
    }

    /// The most calls of `action` that arrived in any second.
    #[must_use]
    pub fn busiest_second(&self, action: Action) -> usize {
        self.calls.get(&action).map_or(0, |calls| busiest(&calls.arrivals))
    }

    pub(super) fn of(holdings: Option<&Holdings>, traffic: Option<&Traffic>) -> Self {
        let mut survey = Self::default();
        if let Some(Holdings { rooms, users }) = holdings {
            let rooms = rooms.iter().map(|(id, room)| (RoomId::new(id), RoomSurvey::of(room)));
            survey.rooms = rooms.collect();
            survey.users.clone_from(users);
        }
        if let Some(traffic) = traffic {
            let calls = traffic.calls().iter();
            survey.calls = calls.map(|(action, calls)| (*action, CallSurvey::of(calls))).collect();
            survey.most_rooms = traffic.most_rooms;
        }
        survey
    }
}

impl RoomSurvey {
    fn of(room: &Room) -> Self {
        let attributes = room.attributes.iter().map(|(key, held)| {
            let attribute =
                Attribute { value: held.value.as_str().into(), auto_delete: held.auto_delete };
            (key, attribute)
        });
        Self {
            name: room.name.clone(),
            delay: Duration::from_secs(u64::from(room.delay)),
            attributes: attributes.collect(),
            attribute_sequence: room.sequence,
            people: room.people(),
            ends: room.end(),
        }
    }
}

impl CallSurvey {
    fn of(calls: &Calls) -> Self {
        let arrivals = calls.arrivals.iter().copied().collect();
        Self { arrivals, answers: calls.answers.clone() }
    }
}

fn busiest(arrivals: &[Instant]) -> usize {
    let mut first = 0;
    let mut most = 0;
    for (last, at) in arrivals.iter().enumerate() {
        while at.duration_since(arrivals[first]) >= Duration::from_secs(1) {
            first += 1;
        }
        most = most.max(last + 1 - first);
    }
    most
}
