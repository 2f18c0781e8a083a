//! The fields of a live room: their checks, and their format in requests and answers.

use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::emulator::config::HeadCount;
use crate::emulator::request::Request;
use crate::emulator::response::Refusal;
use crate::emulator::room_table::Room;
use crate::emulator::world::World;
use crate::model::Timestamp;

use super::codes::Tencent;
use super::room::LiveRoom;
use super::wire::{ChangedInfo, NewInfo, RoomInfo};

/// The only type of room.
const LIVE: &str = "Live";

/// The fields that both create_room and update_room_info accept.
struct Changes {
    room_name: Option<String>,
    is_message_disabled: Option<bool>,
    is_public_visible: Option<bool>,
    cover_url: Option<String>,
    category: Option<Vec<i64>>,
    activity_status: Option<i64>,
    take_seat_mode: Option<String>,
}

/// Returns the room that create_room requests. Its default owner is the caller.
pub(super) fn new(info: NewInfo, caller: &str, now: Timestamp) -> Result<LiveRoom, Refusal> {
    let NewInfo {
        room_id,
        room_type,
        seat_template,
        room_name,
        owner_account,
        take_seat_mode,
        max_seat_count,
        is_message_disabled,
        is_public_visible,
        cover_url,
        category,
        activity_status,
        is_unlimited_room_enabled,
    } = info;
    check_room_id(&room_id)?;
    if room_type != LIVE {
        return Err(wrong("RoomType is not Live"));
    }
    let seats = seats(&seat_template)?;
    let mut room = LiveRoom::new(room_id, caller.to_owned(), seat_template, now);
    if let Some(owner) = owner_account {
        check_account("Owner_Account", &owner)?;
        room.owner = owner;
    }
    room.max_seats = max_seat_count.unwrap_or(seats);
    room.unlimited = is_unlimited_room_enabled.unwrap_or(room.unlimited);
    let changes = Changes {
        room_name,
        is_message_disabled,
        is_public_visible,
        cover_url,
        category,
        activity_status,
        take_seat_mode,
    };
    changes.apply(&mut room)?;
    Ok(room)
}

/// Changes a room as update_room_info requests. A field that is left out does not change.
pub(super) fn change(room: &mut LiveRoom, info: ChangedInfo) -> Result<(), Refusal> {
    let ChangedInfo {
        room_id: _,
        room_name,
        max_member_count,
        is_message_disabled,
        cover_url,
        category,
        activity_status,
        is_public_visible,
        take_seat_mode,
        notice,
    } = info;
    let changes = Changes {
        room_name,
        is_message_disabled,
        is_public_visible,
        cover_url,
        category,
        activity_status,
        take_seat_mode,
    };
    changes.apply(room)?;
    if let Some(notice) = notice {
        check_notice(&notice)?;
        room.notice = notice;
    }
    room.max_members = max_member_count.unwrap_or(room.max_members);
    Ok(())
}

/// Returns a room in the format of get_room_info.
pub(super) fn read(room_id: String, room: LiveRoom, head_count: HeadCount) -> RoomInfo {
    let people = room.people();
    let (member_count, online_count) = match head_count {
        HeadCount::MemberCount => (Some(people), None),
        HeadCount::OnlineCount => (None, Some(people)),
        HeadCount::Omitted => (None, None),
    };
    let LiveRoom {
        owner,
        name,
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
    RoomInfo {
        room_id,
        room_type: LIVE,
        room_name: name,
        owner_account: owner,
        seat_template,
        take_seat_mode,
        max_seat_count: max_seats,
        max_member_count: max_members,
        is_message_disabled: muted,
        is_public_visible: public,
        is_unlimited_room_enabled: unlimited,
        cover_url,
        category,
        activity_status,
        notice,
        create_time: created.as_seconds(),
        member_count,
        online_count,
    }
}

impl Changes {
    fn apply(self, room: &mut LiveRoom) -> Result<(), Refusal> {
        let Self {
            room_name,
            is_message_disabled,
            is_public_visible,
            cover_url,
            category,
            activity_status,
            take_seat_mode,
        } = self;
        if let Some(name) = room_name {
            check_name(&name)?;
            room.name = name;
        }
        if let Some(url) = cover_url {
            check_cover(&url)?;
            room.cover_url = url;
        }
        if let Some(category) = category {
            check_category(&category)?;
            room.category = category;
        }
        if let Some(mode) = take_seat_mode {
            check_mode(&mode)?;
            room.take_seat_mode = mode;
        }
        room.muted = is_message_disabled.unwrap_or(room.muted);
        room.public = is_public_visible.unwrap_or(room.public);
        room.activity_status = activity_status.unwrap_or(room.activity_status);
        Ok(())
    }
}

/// The longest RoomId in bytes.
const ID_BYTES: usize = 48;

/// The longest id of an account in bytes.
const ACCOUNT_BYTES: usize = 32;

/// The longest RoomName in bytes.
const NAME_BYTES: usize = 100;

/// The longest Notice in bytes.
const NOTICE_BYTES: usize = 100;

/// The longest CoverURL in bytes.
const COVER_BYTES: usize = 200;

/// The most integers of a Category.
const CATEGORIES: usize = 3;

/// The values of a TakeSeatMode.
const MODES: [&str; 2] = ["FreeToTake", "ApplyToTake"];

/// The seat templates, each with its default number of seats. The number for the audio templates is not
/// documented.
const TEMPLATES: [(&str, u32); 7] = [
    ("VideoDynamicGrid9Seats", 9),
    ("VideoDynamicFloat7Seats", 7),
    ("VideoFixedGrid9Seats", 9),
    ("VideoFixedFloat7Seats", 7),
    ("VideoLandscape4Seat", 4),
    ("AudioSalon", 10),
    ("Karaoke", 10),
];

/// Reads the body of a command.
pub(super) fn body<T: DeserializeOwned>(request: &Request<'_>) -> Result<T, Refusal> {
    serde_json::from_slice(request.body).map_err(|error| match error.classify() {
        Category::Data => wrong(&error.to_string()),
        Category::Io | Category::Syntax | Category::Eof => {
            Refusal::with_message(Tencent::Json, error.to_string())
        }
    })
}

/// Returns the room with this id.
pub(super) fn room<'a>(
    request: &Request<'_>,
    world: &'a World,
    id: &str,
) -> Result<&'a LiveRoom, Refusal> {
    check_room_id(id)?;
    world.live.room(request.caller.app, id).ok_or_else(|| Tencent::RoomMissing.into())
}

/// Checks the characters and length of a RoomId.
pub(super) fn check_room_id(id: &str) -> Result<(), Refusal> {
    let printable = id.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if id.is_empty() || id.len() > ID_BYTES || !printable {
        return Err(wrong("RoomId is not 1 to 48 bytes of printable ASCII"));
    }
    Ok(())
}

/// Checks the length of an account's id.
pub(super) fn check_account(field: &str, id: &str) -> Result<(), Refusal> {
    if id.is_empty() {
        Err(wrong(&format!("{field} is empty")))
    } else {
        at_most(field, id, ACCOUNT_BYTES)
    }
}

/// Checks the length of a room's name.
pub(super) fn check_name(name: &str) -> Result<(), Refusal> {
    at_most("RoomName", name, NAME_BYTES)
}

/// Checks the length of a notice.
pub(super) fn check_notice(notice: &str) -> Result<(), Refusal> {
    at_most("Notice", notice, NOTICE_BYTES)
}

/// Checks the length of a cover's URL.
pub(super) fn check_cover(url: &str) -> Result<(), Refusal> {
    at_most("CoverURL", url, COVER_BYTES)
}

/// Checks the number of integers in a Category.
pub(super) fn check_category(category: &[i64]) -> Result<(), Refusal> {
    if category.len() <= CATEGORIES { Ok(()) } else { Err(wrong("Category is longer than 3")) }
}

/// Checks that a TakeSeatMode is known.
pub(super) fn check_mode(mode: &str) -> Result<(), Refusal> {
    if MODES.contains(&mode) { Ok(()) } else { Err(wrong("unknown TakeSeatMode")) }
}

/// Returns the default number of seats of a template.
pub(super) fn seats(template: &str) -> Result<u32, Refusal> {
    let found = TEMPLATES.into_iter().find(|(name, _)| *name == template);
    found.map(|(_, seats)| seats).ok_or_else(|| wrong("unknown SeatTemplate"))
}

/// Returns the refusal of an invalid parameter.
pub(super) fn wrong(how: &str) -> Refusal {
    Refusal::with_message(Tencent::Parameter, format!("invalid parameter: {how}"))
}

fn at_most(field: &str, text: &str, bytes: usize) -> Result<(), Refusal> {
    if text.len() <= bytes {
        return Ok(());
    }
    Err(wrong(&format!("{field} is longer than {bytes} bytes")))
}
