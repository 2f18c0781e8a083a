//! The internal state of an emulator and the counts of its calls, from its snapshot and its call
//! events. The emulator's own tests include this file, so that it imports the crate's modules
//! through its parent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use super::emulator::{Action, CallEvent, Emulator, EmulatorConfig};
use super::model::{Attribute, Attributes, Kind, RoomId, Timestamp};

/// The call events of one emulator.
#[derive(Debug)]
pub(crate) struct CallLog(Mutex<(Receiver<CallEvent>, Vec<CallEvent>)>);

/// All applications of an emulator.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stats {
    apps: BTreeMap<(Kind, u32), AppStats>,
    /// The number of requests with a rejected signature, by code.
    pub(crate) rejected: BTreeMap<i64, u64>,
}

/// One application.
#[derive(Clone, Debug, Default)]
pub(crate) struct AppStats {
    /// The rooms that exist.
    pub(crate) rooms: BTreeMap<RoomId, RoomStats>,
    /// The last CloseRoom of each RTC room that was closed.
    pub(crate) closings: BTreeMap<RoomId, ClosingStats>,
    /// The registered users, or imported accounts.
    pub(crate) users: BTreeSet<String>,
    /// The calls by action.
    pub(crate) calls: BTreeMap<Action, CallStats>,
}

/// The calls of one action.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallStats {
    /// The arrival of each correctly signed call, in order, including refused ones.
    pub(crate) arrivals: Vec<Instant>,
    /// The number of answers by code, including answers that a fault withheld.
    pub(crate) answers: BTreeMap<i64, u64>,
}

/// One room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoomStats {
    /// Its name; an RTC room has none.
    pub(crate) name: Option<String>,
    /// How long a ZIM room exists while it is empty; zero for other kinds.
    pub(crate) delay: Duration,
    /// All its attributes: a live room's metadata.
    pub(crate) attributes: Attributes,
    /// The number of attribute changes so far, which only ZIM counts.
    pub(crate) attribute_sequence: u64,
    /// The number of people inside.
    pub(crate) people: u64,
    /// The time since which a ZIM room is empty, or at which an empty live room ends.
    pub(crate) empty: Option<Timestamp>,
    /// The other fields of a live room.
    pub(crate) live: Option<LiveStats>,
}

/// The fields of a live room.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct LiveStats {
    pub(crate) owner: String,
    pub(crate) seat_template: String,
    pub(crate) take_seat_mode: String,
    pub(crate) max_seats: u32,
    pub(crate) max_members: u32,
    pub(crate) muted: bool,
    pub(crate) public: bool,
    pub(crate) unlimited: bool,
    pub(crate) cover_url: String,
    pub(crate) category: Vec<i64>,
    pub(crate) activity_status: i64,
    pub(crate) notice: String,
    pub(crate) created: Timestamp,
}

/// The last CloseRoom of an RTC room.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct ClosingStats {
    /// `CustomReason`, decoded.
    pub(crate) reason: Option<String>,
    /// `RoomCloseCallback`.
    pub(crate) callback: bool,
}

/// The snapshot of an emulator.
#[derive(Deserialize)]
struct Snapshot {
    world: Vec<Change>,
}

/// A change in a snapshot.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Change {
    Ahead {},
    Room { app: u32, id: String, room: ChatRoom },
    Users { app: u32, ids: BTreeSet<String> },
    Video { app: u32, id: String, people: u64 },
    Closed { app: u32, id: String, closing: ClosingStats },
    Live { app: u32, id: String, room: LiveRoom },
    Accounts { app: u32, ids: BTreeSet<String> },
}

#[derive(Deserialize)]
struct ChatRoom {
    name: Option<String>,
    delay: u64,
    sequence: u64,
    attributes: BTreeMap<String, Value>,
    inside: Inside,
}

#[derive(Deserialize)]
struct LiveRoom {
    name: String,
    #[serde(flatten)]
    fields: LiveStats,
    metadata: BTreeMap<String, Value>,
    inside: Inside,
}

#[derive(Deserialize)]
struct Value {
    value: String,
    #[serde(default)]
    auto_delete: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", untagged)]
enum Inside {
    Nobody(Empty),
    NobodyYet(Never),
    People { people: u64 },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Empty {
    NobodyYet {
        since: Timestamp,
    },
    NobodyMore {
        #[serde(alias = "until")]
        since: Timestamp,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Never {
    NobodyYet,
}

impl CallLog {
    /// Attaches a log to a configuration.
    pub(crate) fn attached_to(config: EmulatorConfig) -> (Self, EmulatorConfig) {
        let (sender, receiver) = channel();
        let log = Self(Mutex::new((receiver, Vec::new())));
        (log, EmulatorConfig { call_events: Some(sender), ..config })
    }

    /// Returns the state of the emulator, and the counts of its calls.
    pub(crate) fn stats(&self, emulator: &Emulator) -> Stats {
        let snapshot = emulator.snapshot().expect("a snapshot");
        let Snapshot { world } = serde_json::from_slice(&snapshot).expect("a JSON document");
        let mut stats = Stats::default();
        for change in world {
            stats.hold(change);
        }
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (receiver, events) = &mut *log;
        events.extend(receiver.try_iter());
        for event in events {
            stats.count(*event);
        }
        stats
    }
}

impl Stats {
    /// Returns one application.
    pub(crate) fn app(&self, kind: Kind, app: u32) -> AppStats {
        self.apps.get(&(kind, app)).cloned().unwrap_or_default()
    }

    fn app_mut(&mut self, kind: Kind, app: u32) -> &mut AppStats {
        self.apps.entry((kind, app)).or_default()
    }

    fn hold(&mut self, change: Change) {
        match change {
            Change::Ahead {} => (),
            Change::Room { app, id, room } => self.insert(Kind::Zim, app, &id, chat(room)),
            Change::Video { app, id, people } => self.insert(Kind::Rtc, app, &id, video(people)),
            Change::Live { app, id, room } => self.insert(Kind::TencentLive, app, &id, live(room)),
            Change::Users { app, ids } => self.app_mut(Kind::Zim, app).users = ids,
            Change::Accounts { app, ids } => self.app_mut(Kind::TencentLive, app).users = ids,
            Change::Closed { app, id, closing } => {
                self.app_mut(Kind::Rtc, app).closings.insert(RoomId::new(&id), closing);
            }
        }
    }

    fn insert(&mut self, kind: Kind, app: u32, id: &str, room: RoomStats) {
        self.app_mut(kind, app).rooms.insert(RoomId::new(id), room);
    }

    fn count(&mut self, event: CallEvent) {
        match event {
            CallEvent::Rejected { code } => *self.rejected.entry(code).or_default() += 1,
            CallEvent::Arrived { kind, app, action, at } => {
                self.app_mut(kind, app).calls.entry(action).or_default().arrivals.push(at);
            }
            CallEvent::Answered { kind, app, action, code } => {
                let calls = self.app_mut(kind, app).calls.entry(action).or_default();
                *calls.answers.entry(code).or_default() += 1;
            }
        }
    }
}

impl AppStats {
    /// Returns the number of successful calls of `action`.
    pub(crate) fn served(&self, action: Action) -> u64 {
        self.answered(action, 0)
    }

    /// Returns the number of calls of `action` with the answer `code`.
    pub(crate) fn answered(&self, action: Action, code: i64) -> u64 {
        let answers = self.calls.get(&action).map(|calls| &calls.answers);
        answers.and_then(|answers| answers.get(&code)).copied().unwrap_or(0)
    }

    /// Returns the most calls of `action` that arrived in any second.
    pub(crate) fn busiest_second(&self, action: Action) -> usize {
        let Some(CallStats { arrivals, answers: _ }) = self.calls.get(&action) else { return 0 };
        let (mut first, mut most) = (0, 0);
        for (last, at) in arrivals.iter().enumerate() {
            while at.duration_since(arrivals[first]) >= Duration::from_secs(1) {
                first += 1;
            }
            most = most.max(last + 1 - first);
        }
        most
    }
}

impl Inside {
    fn people(&self) -> u64 {
        match self {
            Self::Nobody(_) | Self::NobodyYet(Never::NobodyYet) => 0,
            Self::People { people } => *people,
        }
    }

    fn empty(&self) -> Option<Timestamp> {
        match self {
            Self::Nobody(Empty::NobodyYet { since } | Empty::NobodyMore { since }) => Some(*since),
            Self::NobodyYet(Never::NobodyYet) | Self::People { .. } => None,
        }
    }
}

fn video(people: u64) -> RoomStats {
    RoomStats {
        name: None,
        delay: Duration::ZERO,
        attributes: Attributes::default(),
        attribute_sequence: 0,
        people,
        empty: None,
        live: None,
    }
}

fn chat(room: ChatRoom) -> RoomStats {
    let ChatRoom { name, delay, sequence, attributes, inside } = room;
    RoomStats {
        name,
        delay: Duration::from_secs(delay),
        attributes: read(&attributes),
        attribute_sequence: sequence,
        people: inside.people(),
        empty: inside.empty(),
        live: None,
    }
}

fn live(room: LiveRoom) -> RoomStats {
    let LiveRoom { name, fields, metadata, inside } = room;
    RoomStats {
        name: Some(name),
        attributes: read(&metadata),
        people: inside.people(),
        empty: inside.empty(),
        live: Some(fields),
        ..video(0)
    }
}

fn read(attributes: &BTreeMap<String, Value>) -> Attributes {
    let attribute = |(key, Value { value, auto_delete }): (&String, &Value)| {
        (key.clone(), Attribute { value: value.as_str().into(), auto_delete: *auto_delete })
    };
    attributes.iter().map(attribute).collect()
}
