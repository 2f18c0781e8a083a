//! Everything that the stand-in services know, and the one way to change it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{Kind, Timestamp};

use super::gate::AppKey;
use super::room::{ChatRoom, LiveRoom, VideoRoom};
use super::shelf::{Holdings, Shelf};

/// The rooms and users of all applications, and how far time runs ahead.
#[derive(Debug, Default)]
pub(super) struct World {
    ahead: Duration,
    pub(super) chat: Shelf<ChatRoom>,
    pub(super) video: Shelf<VideoRoom>,
    pub(super) live: Shelf<LiveRoom>,
    /// The last CloseRoom of each RTC room that ever had one.
    closings: BTreeMap<(u32, String), Closing>,
}

/// What a CloseRoom said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Closing {
    pub(super) reason: Option<String>,
    pub(super) callback: bool,
}

/// One change of the world: what something is from now on, so that applying it twice does no harm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Entry {
    /// The ZIM room is so.
    Room { app: u32, id: String, room: ChatRoom },
    /// The ZIM room was destroyed.
    Gone { app: u32, id: String },
    /// These ZIM users are registered.
    Users { app: u32, ids: Vec<String> },
    /// So many are inside the RTC room, which is gone without any.
    Video { app: u32, id: String, people: u64 },
    /// The RTC room was closed.
    Closed { app: u32, id: String, closing: Closing },
    /// The live room is so.
    Live { app: u32, id: String, room: LiveRoom },
    /// The live room was dissolved.
    Dissolved { app: u32, id: String },
    /// These Tencent accounts are imported.
    Accounts { app: u32, ids: Vec<String> },
    /// Time runs so many milliseconds ahead of the clock.
    Ahead { milliseconds: u64 },
}

impl World {
    /// Carries out one change.
    pub(super) fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Room { app, id, room } => self.chat.put(app, id, room),
            Entry::Gone { app, id } => self.chat.remove(app, &id),
            Entry::Users { app, ids } => self.chat.register(app, ids),
            Entry::Video { app, id, people: 0 } => self.video.remove(app, &id),
            Entry::Video { app, id, people } => self.video.put(app, id, VideoRoom { people }),
            Entry::Closed { app, id, closing } => {
                self.video.remove(app, &id);
                self.closings.insert((app, id), closing);
            }
            Entry::Live { app, id, room } => self.live.put(app, id, room),
            Entry::Dissolved { app, id } => self.live.remove(app, &id),
            Entry::Accounts { app, ids } => self.live.register(app, ids),
            Entry::Ahead { milliseconds } => self.ahead = Duration::from_millis(milliseconds),
        }
    }

    /// Destroys the rooms whose time has come.
    pub(super) fn expire(&mut self, now: Timestamp) {
        let Self { ahead: _, chat, video: _, live, closings: _ } = self;
        chat.expire(now);
        live.expire(now);
    }

    /// How far time runs ahead of the clock.
    pub(super) fn ahead(&self) -> Duration {
        self.ahead
    }

    /// The number of rooms alive.
    pub(super) fn alive(&self, (kind, app): AppKey) -> u64 {
        match kind {
            Kind::Rtc => self.video.alive(app),
            Kind::Zim => self.chat.alive(app),
            Kind::TencentLive => self.live.alive(app),
        }
    }

    /// The last CloseRoom of each RTC room of one application.
    pub(super) fn closings(&self, app: u32) -> impl Iterator<Item = (&str, &Closing)> {
        let its = self.closings.iter().filter(move |((of, _), _)| *of == app);
        its.map(|((_, id), closing)| (id.as_str(), closing))
    }

    /// The changes that make this world out of an empty one.
    pub(super) fn entries(&self) -> impl Iterator<Item = Entry> {
        let milliseconds = u64::try_from(self.ahead.as_millis()).unwrap_or(u64::MAX);
        let closed = self.closings.iter().map(|((app, id), closing)| {
            let (app, id, closing) = (*app, id.clone(), closing.clone());
            Entry::Closed { app, id, closing }
        });
        std::iter::once(Entry::Ahead { milliseconds })
            .chain(self.chat.apps().flat_map(|(app, held)| chat_entries(app, held)))
            .chain(closed)
            .chain(self.video.apps().flat_map(|(app, held)| video_entries(app, held)))
            .chain(self.live.apps().flat_map(|(app, held)| live_entries(app, held)))
    }
}

fn chat_entries(app: u32, held: &Holdings<ChatRoom>) -> impl Iterator<Item = Entry> {
    let Holdings { rooms, users } = held;
    let users = Entry::Users { app, ids: users.iter().cloned().collect() };
    let rooms = rooms.iter();
    let rooms =
        rooms.map(move |(id, room)| Entry::Room { app, id: id.clone(), room: room.clone() });
    std::iter::once(users).chain(rooms)
}

fn video_entries(app: u32, held: &Holdings<VideoRoom>) -> impl Iterator<Item = Entry> {
    let Holdings { rooms, users: _ } = held;
    rooms.iter().map(move |(id, VideoRoom { people })| {
        let (id, people) = (id.clone(), *people);
        Entry::Video { app, id, people }
    })
}

fn live_entries(app: u32, held: &Holdings<LiveRoom>) -> impl Iterator<Item = Entry> {
    let Holdings { rooms, users } = held;
    let accounts = Entry::Accounts { app, ids: users.iter().cloned().collect() };
    let rooms = rooms.iter();
    let rooms =
        rooms.map(move |(id, room)| Entry::Live { app, id: id.clone(), room: room.clone() });
    std::iter::once(accounts).chain(rooms)
}
