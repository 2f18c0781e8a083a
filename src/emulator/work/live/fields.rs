//! The fields of a live room: as requests say them, and as answers tell them.

use crate::emulator::HeadCount;
use crate::emulator::room::{LiveRoom, Room};
use crate::emulator::wire::{ChangedInfo, NewInfo, RoomInfo};
use crate::emulator::work::Refusal;
use crate::model::Timestamp;

use super::checks;

/// The only type of room that there is.
const LIVE: &str = "Live";

/// What both create_room and update_room_info take.
struct Changes {
    room_name: Option<String>,
    is_message_disabled: Option<bool>,
    is_public_visible: Option<bool>,
    cover_url: Option<String>,
    category: Option<Vec<i64>>,
    activity_status: Option<i64>,
    take_seat_mode: Option<String>,
}

/// Makes a room of what create_room says; it is the caller's where no owner is named.
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
    checks::room_id(&room_id)?;
    if room_type != LIVE {
        return Err(checks::wrong("RoomType is not Live"));
    }
    let seats = checks::seats(&seat_template)?;
    let mut room = LiveRoom::new(room_id, caller.to_owned(), seat_template, now);
    if let Some(owner) = owner_account {
        checks::account("Owner_Account", &owner)?;
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

/// Changes a room as update_room_info says; what it does not say stays.
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
        checks::notice(&notice)?;
        room.notice = notice;
    }
    room.max_members = max_member_count.unwrap_or(room.max_members);
    Ok(())
}

/// Tells a room as get_room_info does.
pub(super) fn told(room_id: String, room: LiveRoom, head_count: HeadCount) -> RoomInfo {
    let people = room.people();
    let (member_count, online_count) = match head_count {
        HeadCount::MemberCount => (Some(people), None),
        HeadCount::OnlineCount => (None, Some(people)),
        HeadCount::Untold => (None, None),
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
            checks::name(&name)?;
            room.name = name;
        }
        if let Some(url) = cover_url {
            checks::cover(&url)?;
            room.cover_url = url;
        }
        if let Some(category) = category {
            checks::category(&category)?;
            room.category = category;
        }
        if let Some(mode) = take_seat_mode {
            checks::mode(&mode)?;
            room.take_seat_mode = mode;
        }
        room.muted = is_message_disabled.unwrap_or(room.muted);
        room.public = is_public_visible.unwrap_or(room.public);
        room.activity_status = activity_status.unwrap_or(room.activity_status);
        Ok(())
    }
}
