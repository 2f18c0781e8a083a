//! People who come and go.

use crate::model::{Kind, Timestamp};

use super::Settings;
use super::gate::AppKey;
use super::room::{ChatRoom, LiveRoom, Room, VideoRoom};
use super::world::{Entry, World};

/// How people move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    /// So many go in.
    Enter(u64),
    /// So many go out.
    Leave(u64),
}

/// Says how a room is after a move, and how many are inside then; none where there is no such room. An RTC
/// room appears as its first user goes in.
pub(super) fn moved(
    world: &World,
    (kind, app): AppKey,
    id: &str,
    step: Move,
    now: Timestamp,
    settings: &Settings,
) -> Option<(Entry, u64)> {
    Some(match kind {
        Kind::Rtc => in_video(world.video.room(app, id).copied(), app, id, step)?,
        Kind::Zim => in_chat(world.chat.room(app, id)?.clone(), app, id, step, now, settings),
        Kind::TencentLive => {
            in_live(world.live.room(app, id)?.clone(), app, id, step, now, settings)
        }
    })
}

fn in_video(room: Option<VideoRoom>, app: u32, id: &str, step: Move) -> Option<(Entry, u64)> {
    let room = match (room, step) {
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
    Some((Entry::Video { app, id: id.to_owned(), people }, people))
}

fn in_chat(
    mut room: ChatRoom,
    app: u32,
    id: &str,
    step: Move,
    now: Timestamp,
    settings: &Settings,
) -> (Entry, u64) {
    match step {
        Move::Enter(users) => room.enter(users),
        Move::Leave(users) => room.leave(users, now, settings.retention),
    }
    let people = room.people();
    (Entry::Room { app, id: id.to_owned(), room }, people)
}

fn in_live(
    mut room: LiveRoom,
    app: u32,
    id: &str,
    step: Move,
    now: Timestamp,
    settings: &Settings,
) -> (Entry, u64) {
    match step {
        Move::Enter(users) => room.enter(users),
        Move::Leave(users) => room.leave(users, now, settings.dissolve_after(app)),
    }
    let people = room.people();
    (Entry::Live { app, id: id.to_owned(), room }, people)
}
