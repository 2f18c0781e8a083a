//! The data of all services, and the changes to it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{Kind, Timestamp};

use super::action::AppKey;
use super::config::EmulatorConfig;
use super::room_table::{AppData, Room, RoomTable};
use super::rtc::room::VideoRoom;
use super::tencent_live::room::LiveRoom;
use super::zim::room::ChatRoom;

/// The rooms and users of all applications, and how far the emulator's clock is ahead.
#[derive(Debug, Default)]
pub(super) struct World {
    ahead: Duration,
    pub(super) chat: RoomTable<ChatRoom>,
    pub(super) video: RoomTable<VideoRoom>,
    pub(super) live: RoomTable<LiveRoom>,
    /// The last CloseRoom of each RTC room that was ever closed.
    closings: BTreeMap<(u32, String), Closing>,
}

/// The parameters of a CloseRoom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Closing {
    pub(super) reason: Option<String>,
    pub(super) callback: bool,
}

/// One change of the world, in the format of a log line. It contains the new value, so that it can be
/// applied twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Change {
    /// The ZIM room has this value.
    Room { app: u32, id: String, room: ChatRoom },
    /// The ZIM room was destroyed.
    Gone { app: u32, id: String },
    /// These ZIM users were registered.
    Users { app: u32, ids: Vec<String> },
    /// The RTC room has this many people inside; with 0 it does not exist.
    Video { app: u32, id: String, people: u64 },
    /// The RTC room was closed.
    Closed { app: u32, id: String, closing: Closing },
    /// The live room has this value.
    Live { app: u32, id: String, room: LiveRoom },
    /// The live room was dissolved.
    Dissolved { app: u32, id: String },
    /// These Tencent accounts were imported.
    Accounts { app: u32, ids: Vec<String> },
    /// The emulator's clock is this many milliseconds ahead of the real one.
    Ahead { milliseconds: u64 },
}

/// A number of people who enter or leave a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    Enter(u64),
    Leave(u64),
}

impl World {
    /// Applies one change.
    pub(super) fn apply(&mut self, change: Change) {
        match change {
            Change::Room { app, id, room } => self.chat.insert(app, id, room),
            Change::Gone { app, id } => self.chat.remove(app, &id),
            Change::Users { app, ids } => self.chat.register(app, ids),
            Change::Video { app, id, people: 0 } => self.video.remove(app, &id),
            Change::Video { app, id, people } => self.video.insert(app, id, VideoRoom { people }),
            Change::Closed { app, id, closing } => {
                self.video.remove(app, &id);
                self.closings.insert((app, id), closing);
            }
            Change::Live { app, id, room } => self.live.insert(app, id, room),
            Change::Dissolved { app, id } => self.live.remove(app, &id),
            Change::Accounts { app, ids } => self.live.register(app, ids),
            Change::Ahead { milliseconds } => self.ahead = Duration::from_millis(milliseconds),
        }
    }

    /// Destroys the rooms that have ended.
    pub(super) fn expire(&mut self, now: Timestamp) {
        let Self { ahead: _, chat, video: _, live, closings: _ } = self;
        chat.expire(now);
        live.expire(now);
    }

    /// Returns how far the emulator's clock is ahead of the real one.
    pub(super) fn ahead(&self) -> Duration {
        self.ahead
    }

    /// Returns the change of a room when people enter or leave, and how many are inside then; `None` if the
    /// room does not exist. An RTC room is created when its first user enters.
    pub(super) fn moved(
        &self,
        (kind, app): AppKey,
        id: &str,
        people: Move,
        now: Timestamp,
        config: &EmulatorConfig,
    ) -> Option<(Change, u64)> {
        Some(match kind {
            Kind::Rtc => in_video(self.video.room(app, id).copied(), app, id, people)?,
            Kind::Zim => in_chat(self.chat.room(app, id)?.clone(), app, id, people, now, config),
            Kind::TencentLive => {
                in_live(self.live.room(app, id)?.clone(), app, id, people, now, config)
            }
        })
    }

    /// Returns the changes that turn an empty world into this one.
    pub(super) fn changes(&self) -> impl Iterator<Item = Change> {
        let milliseconds = u64::try_from(self.ahead.as_millis()).unwrap_or(u64::MAX);
        let closed = self.closings.iter().map(|((app, id), closing)| {
            let (app, id, closing) = (*app, id.clone(), closing.clone());
            Change::Closed { app, id, closing }
        });
        std::iter::once(Change::Ahead { milliseconds })
            .chain(self.chat.apps().flat_map(|(app, data)| chat_changes(app, data)))
            .chain(closed)
            .chain(self.video.apps().flat_map(|(app, data)| video_changes(app, data)))
            .chain(self.live.apps().flat_map(|(app, data)| live_changes(app, data)))
    }
}

fn chat_changes(app: u32, data: &AppData<ChatRoom>) -> impl Iterator<Item = Change> {
    let AppData { rooms, users } = data;
    let users = Change::Users { app, ids: users.iter().cloned().collect() };
    let rooms = rooms.iter();
    let rooms =
        rooms.map(move |(id, room)| Change::Room { app, id: id.clone(), room: room.clone() });
    std::iter::once(users).chain(rooms)
}

fn video_changes(app: u32, data: &AppData<VideoRoom>) -> impl Iterator<Item = Change> {
    let AppData { rooms, users: _ } = data;
    rooms.iter().map(move |(id, VideoRoom { people })| {
        let (id, people) = (id.clone(), *people);
        Change::Video { app, id, people }
    })
}

fn live_changes(app: u32, data: &AppData<LiveRoom>) -> impl Iterator<Item = Change> {
    let AppData { rooms, users } = data;
    let accounts = Change::Accounts { app, ids: users.iter().cloned().collect() };
    let rooms = rooms.iter();
    let rooms =
        rooms.map(move |(id, room)| Change::Live { app, id: id.clone(), room: room.clone() });
    std::iter::once(accounts).chain(rooms)
}

fn in_video(room: Option<VideoRoom>, app: u32, id: &str, moved: Move) -> Option<(Change, u64)> {
    let room = match (room, moved) {
        (room, Move::Enter(users)) => {
            let mut room = room.unwrap_or_default();
            room.enter(users);
            room
        }
        (None, Move::Leave(_)) => return None,
        (Some(mut room), Move::Leave(users)) => {
            room.leave(users);
            room
        }
    };
    let people = room.people();
    Some((Change::Video { app, id: id.to_owned(), people }, people))
}

fn in_chat(
    mut room: ChatRoom,
    app: u32,
    id: &str,
    moved: Move,
    now: Timestamp,
    config: &EmulatorConfig,
) -> (Change, u64) {
    match moved {
        Move::Enter(users) => room.enter(users),
        Move::Leave(users) => room.leave(users, now, config.retention),
    }
    let people = room.people();
    (Change::Room { app, id: id.to_owned(), room }, people)
}

fn in_live(
    mut room: LiveRoom,
    app: u32,
    id: &str,
    moved: Move,
    now: Timestamp,
    config: &EmulatorConfig,
) -> (Change, u64) {
    match moved {
        Move::Enter(users) => room.enter(users),
        Move::Leave(users) => room.leave(users, now, config.dissolve_after(app)),
    }
    let people = room.people();
    (Change::Live { app, id: id.to_owned(), room }, people)
}
