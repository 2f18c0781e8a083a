//! What a look at the whole stand-in shows: for tests, which no vendor's API would let see so much.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{Attribute, Attributes, Kind, RoomId, Timestamp};

use super::Action;
use super::gate::AppKey;
use super::room::{ChatRoom, LiveRoom, Room, VideoRoom};
use super::shelf::Holdings;
use super::traffic::{Calls, Traffic};
use super::world::{Closing, World};

/// The whole stand-in at one moment.
#[derive(Clone, Debug)]
pub struct Survey {
    /// The time in the emulator's world.
    pub now: Timestamp,
    /// The applications that it serves.
    pub apps: BTreeMap<(Kind, u32), AppSurvey>,
    /// How many requests the gateway turned away, by code.
    pub turned_away: BTreeMap<i64, u64>,
}

/// One application.
#[derive(Clone, Debug, Default)]
pub struct AppSurvey {
    /// The rooms alive.
    pub rooms: BTreeMap<RoomId, RoomSurvey>,
    /// The last CloseRoom of each RTC room that ever had one.
    pub closings: BTreeMap<RoomId, ClosingSurvey>,
    /// The registered users, or imported accounts.
    pub users: BTreeSet<String>,
    /// The most rooms that were alive at once since the emulator was opened.
    pub most_rooms: u64,
    /// The calls since then, by action; none for an action that was not called.
    pub calls: BTreeMap<Action, CallSurvey>,
}

/// One room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomSurvey {
    /// Its name; an RTC room has none.
    pub name: Option<String>,
    /// How long a ZIM room lives while it is empty; zero for the others.
    pub delay: Duration,
    /// All its attributes: a live room's metadata.
    pub attributes: Attributes,
    /// The number of attribute changes so far, which is counted for ZIM only.
    pub attribute_sequence: u64,
    /// The number of people inside.
    pub people: u64,
    /// When it will be destroyed; none while it stays.
    pub ends: Option<Timestamp>,
    /// What a live room has besides; none for other kinds.
    pub live: Option<LiveSurvey>,
}

/// What a live room has besides, by the names of Tencent's RoomInfo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveSurvey {
    /// `Owner_Account`.
    pub owner: String,
    /// `SeatTemplate`.
    pub seat_template: String,
    /// `TakeSeatMode`.
    pub take_seat_mode: String,
    /// `MaxSeatCount`.
    pub max_seats: u32,
    /// `MaxMemberCount`; 0 where it was never set.
    pub max_members: u32,
    /// `IsMessageDisabled`.
    pub muted: bool,
    /// `IsPublicVisible`.
    pub public: bool,
    /// `IsUnlimitedRoomEnabled`.
    pub unlimited: bool,
    /// `CoverURL`.
    pub cover_url: String,
    /// `Category`.
    pub category: Vec<i64>,
    /// `ActivityStatus`.
    pub activity_status: i64,
    /// `Notice`.
    pub notice: String,
    /// When it was created.
    pub created: Timestamp,
}

/// The last CloseRoom of an RTC room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosingSurvey {
    /// `CustomReason`, decoded.
    pub reason: Option<String>,
    /// `RoomCloseCallback`.
    pub callback: bool,
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

    pub(super) fn of(world: &World, (kind, app): AppKey, traffic: Option<&Traffic>) -> Self {
        let mut survey = match kind {
            Kind::Rtc => Self::holding(world.video.holdings(app)),
            Kind::Zim => Self::holding(world.chat.holdings(app)),
            Kind::TencentLive => Self::holding(world.live.holdings(app)),
        };
        if kind == Kind::Rtc {
            let closings = world.closings(app);
            let told = closings.map(|(id, closing)| (RoomId::new(id), ClosingSurvey::of(closing)));
            survey.closings = told.collect();
        }
        if let Some(traffic) = traffic {
            let calls = traffic.calls().iter();
            survey.calls = calls.map(|(action, calls)| (*action, CallSurvey::of(calls))).collect();
            survey.most_rooms = traffic.most_rooms;
        }
        survey
    }

    fn holding<'a, R>(holdings: Option<&'a Holdings<R>>) -> Self
    where
        RoomSurvey: From<&'a R>,
    {
        let mut survey = Self::default();
        if let Some(Holdings { rooms, users }) = holdings {
            let rooms = rooms.iter().map(|(id, room)| (RoomId::new(id), RoomSurvey::from(room)));
            survey.rooms = rooms.collect();
            survey.users.clone_from(users);
        }
        survey
    }
}

impl From<&VideoRoom> for RoomSurvey {
    fn from(room: &VideoRoom) -> Self {
        Self {
            name: None,
            delay: Duration::ZERO,
            attributes: Attributes::default(),
            attribute_sequence: 0,
            people: room.people(),
            ends: room.end(),
            live: None,
        }
    }
}

impl From<&ChatRoom> for RoomSurvey {
    fn from(room: &ChatRoom) -> Self {
        let attributes = room.attributes.iter();
        Self {
            name: room.name.clone(),
            delay: Duration::from_secs(u64::from(room.delay)),
            attributes: attributes
                .map(|(key, held)| (key, attribute(&held.value, held.auto_delete)))
                .collect(),
            attribute_sequence: room.sequence,
            people: room.people(),
            ends: room.end(),
            live: None,
        }
    }
}

impl From<&LiveRoom> for RoomSurvey {
    fn from(room: &LiveRoom) -> Self {
        let metadata = room.metadata.iter();
        Self {
            name: Some(room.name.clone()),
            delay: Duration::ZERO,
            attributes: metadata.map(|(key, held)| (key, attribute(&held.value, false))).collect(),
            attribute_sequence: 0,
            people: room.people(),
            ends: room.end(),
            live: Some(LiveSurvey::of(room.clone())),
        }
    }
}

fn attribute(value: &str, auto_delete: bool) -> Attribute {
    Attribute { value: value.into(), auto_delete }
}

impl LiveSurvey {
    fn of(room: LiveRoom) -> Self {
        let LiveRoom {
            owner,
            name: _,
            seat_template,
            take_seat_mode,
            max_seats,
            max_members,
            muted,
            public,
            unlimited,
            cover_url,
            category,
            activity_status,
            notice,
            created,
            metadata: _,
            inside: _,
        } = room;
        Self {
            owner,
            seat_template,
            take_seat_mode,
            max_seats,
            max_members,
            muted,
            public,
            unlimited,
            cover_url,
            category,
            activity_status,
            notice,
            created,
        }
    }
}

impl ClosingSurvey {
    fn of(closing: &Closing) -> Self {
        let Closing { reason, callback } = closing.clone();
        Self { reason, callback }
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
