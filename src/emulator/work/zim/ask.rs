//! The actions that only read.

use crate::emulator::code::Zego;
use crate::emulator::room::{ChatRoom, Room};
use crate::emulator::wire::{AttributeTold, Payload, QueryRoomAttribute, UserTold};
use crate::emulator::world::World;
use crate::emulator::{MissingRoom, Settings};

use super::checks;
use crate::emulator::work::{Done, Outcome, Refusal, Request};

/// The users on a page of QueryRoomUserList where no Limit is given, and at the most.
const PAGE: u64 = 100;
const LARGEST_PAGE: u64 = 500;

/// QueryRoomAttribute.
pub(in crate::emulator::work) fn attributes(
    request: &Request<'_>,
    world: &World,
    settings: &Settings,
) -> Outcome {
    let QueryRoomAttribute { from_user_id, room_id } = checks::body(request)?;
    checks::identifier("RoomId", &room_id)?;
    checks::operator(request, world, &from_user_id)?;
    match (world.chat.room(request.caller.app, &room_id), settings.missing_room) {
        (Some(room), _) => Ok(Done::told(attributes_of(room))),
        (None, MissingRoom::Refused) => Err(Zego::RoomMissing.into()),
        (None, MissingRoom::EmptyAnswer) => {
            Ok(Done::told(Payload::Attributes { attribute_seq: 0, attributes: Vec::new() }))
        }
    }
}

fn attributes_of(room: &ChatRoom) -> Payload {
    let attributes = room.attributes.iter().map(|(key, attribute)| AttributeTold {
        key: key.clone(),
        value: attribute.value.clone(),
        seq: attribute.sequence,
        auto_delete: attribute.auto_delete.into(),
    });
    Payload::Attributes { attribute_seq: room.sequence, attributes: attributes.collect() }
}

/// QueryRoomUserList: NextFlag is the number of the next page.
pub(in crate::emulator::work) fn people(request: &Request<'_>, world: &World) -> Outcome {
    let id = checks::room_in_query(request)?;
    let newest_first = number(request, "Mode", 0, 1)? == 1;
    let limit = number(request, "Limit", PAGE, LARGEST_PAGE)?;
    let page = number(request, "NextFlag", 0, u64::MAX)?;
    let count = world.chat.room(request.caller.app, id).ok_or(Zego::RoomMissing)?.people();
    if count == 0 {
        return Err(Zego::RoomEmpty.into());
    }
    let first = page.saturating_mul(limit);
    let end = first.saturating_add(limit).min(count);
    let user = |at: u64| user_told(if newest_first { count - at } else { at + 1 });
    let user_list = (first..end).map(user).collect();
    let next_flag = if limit > 0 && end < count { (page + 1).to_string() } else { last(count) };
    Ok(Done::told(Payload::People { count, next_flag, user_list }))
}

/// The NextFlag after the last page. The vendor's page says both, so both occur.
fn last(count: u64) -> String {
    if count.is_multiple_of(2) { "0".to_owned() } else { String::new() }
}

fn user_told(number: u64) -> UserTold {
    UserTold { user_id: format!("user-{number}"), user_name: format!("User {number}") }
}

fn number(
    request: &Request<'_>,
    parameter: &str,
    left_out: u64,
    most: u64,
) -> Result<u64, Refusal> {
    let Some(text) = request.query.value(parameter) else { return Ok(left_out) };
    let number: Option<u64> = text.parse().ok();
    number
        .filter(|number| *number <= most)
        .ok_or_else(|| checks::wrong(parameter, &format!("is no number up to {most}")))
}
