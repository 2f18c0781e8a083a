//! The actions of ZIM.

mod checks;
pub(super) mod room;
pub(super) mod wire;

use crate::emulator::config::{EmulatorConfig, MissingRoom};
use crate::emulator::request::Request;
use crate::emulator::response::{Accepted, Outcome, Payload, Refusal};
use crate::emulator::room_table::Room;
use crate::emulator::world::{Change, World};
use crate::emulator::zego::Zego;
use crate::model::AttributeLimits;

use room::{AttributeRefusal, ChatRoom};
use wire::{
    AttributeAction, ChangedKey, CreateRoom, FailedKey, FailedUser, ListedUser,
    ModifyRoomAttribute, NewAttribute, QueryRoomAttribute, ReadAttribute, UserInfo, UserRegister,
};

/// The longest RoomName in bytes.
const NAME_BYTES: usize = 64;

/// The longest DestroyDelayTime in seconds.
const LONGEST_DELAY: u32 = 10_800;

/// The most users of one UserRegister.
const USERS: usize = 100;

/// The longest UserName in bytes.
const USER_NAME_BYTES: usize = 256;

/// The longest UserAvatar in bytes.
const USER_AVATAR_BYTES: usize = 500;

/// The sub-code for a key to delete that does not exist. The vendor's sample contains it without an
/// explanation.
const NO_SUCH_KEY: i64 = 1;

/// CreateRoom. Whether the id exists is checked before the quota.
pub(in crate::emulator) fn create(
    request: &Request<'_>,
    world: &World,
    config: &EmulatorConfig,
) -> Outcome {
    let CreateRoom { from_user_id, room_id, room_name, destroy_delay_time, attributes } =
        checks::body(request)?;
    let app = request.caller.app;
    checks::identifier("RoomId", &room_id)?;
    checks::at_most("RoomName", room_name.as_deref().unwrap_or_default(), NAME_BYTES)?;
    let delay = destroy_delay_time.unwrap_or(0);
    if delay > LONGEST_DELAY {
        return Err(checks::wrong("DestroyDelayTime", "is longer than 10800 seconds"));
    }
    checks::operator(request, world, &from_user_id)?;
    let mut room = ChatRoom::new(room_name, delay, request.now);
    set_all(&mut room, &attributes, config.attribute_limits)?;
    if world.chat.room(app, &room_id).is_some() {
        return Err(Zego::RoomExists.into());
    }
    if config.max_rooms.is_some_and(|most| world.chat.alive(app) >= most) {
        return Err(Zego::RoomQuota.into());
    }
    let payload = Payload::Created { attribute_seq: room.sequence };
    Ok(Accepted::changed(Change::Room { app, id: room_id, room }, payload))
}

fn set_all(
    room: &mut ChatRoom,
    attributes: &[NewAttribute],
    limits: AttributeLimits,
) -> Result<(), Refusal> {
    for NewAttribute { key, value, auto_delete } in attributes {
        let auto_delete = checks::switch("AutoDelete", *auto_delete)?;
        if key.is_empty() {
            return Err(checks::wrong("Key", "is missing"));
        }
        room.set(key, value, auto_delete, limits).map_err(|_| Zego::AttributeLimit)?;
    }
    Ok(())
}

/// DestroyRoom: destroys a room, also with people inside.
pub(in crate::emulator) fn destroy(request: &Request<'_>, world: &World) -> Outcome {
    let id = checks::room_in_query(request)?;
    if let Some(operator) = request.query.value("FromUserId") {
        checks::identifier("FromUserId", operator)?;
    }
    let app = request.caller.app;
    if world.chat.room(app, id).is_none() {
        return Err(Zego::RoomMissing.into());
    }
    Ok(Accepted::changed(Change::Gone { app, id: id.to_owned() }, Payload::Nothing {}))
}

/// ModifyRoomAttribute: changes the keys one by one in the order of the list, not atomically.
pub(in crate::emulator) fn modify(
    request: &Request<'_>,
    world: &World,
    config: &EmulatorConfig,
) -> Outcome {
    let ModifyRoomAttribute { from_user_id, room_id, attributes } = checks::body(request)?;
    checks::identifier("RoomId", &room_id)?;
    attributes.iter().try_for_each(well_formed)?;
    if attributes.is_empty() {
        return Err(checks::wrong("Attributes", "is empty"));
    }
    checks::operator(request, world, &from_user_id)?;
    let app = request.caller.app;
    let mut room = world.chat.room(app, &room_id).ok_or(Zego::RoomMissing)?.clone();
    let (mut succ_key_list, mut err_key_list) = (Vec::new(), Vec::new());
    for action in attributes {
        let stops = action.stop_on_error == 1;
        match modify_one(&mut room, &action, config.attribute_limits) {
            Ok(seq) => succ_key_list.push(ChangedKey { key: action.key, seq }),
            Err(refusal) => {
                err_key_list.push(FailedKey { sub_code: sub_code(refusal), key: action.key });
                if stops {
                    break;
                }
            }
        }
    }
    let payload = Payload::Modified { attribute_seq: room.sequence, succ_key_list, err_key_list };
    Ok(Accepted::changed(Change::Room { app, id: room_id, room }, payload))
}

fn well_formed(action: &AttributeAction) -> Result<(), Refusal> {
    let AttributeAction { action, key, value, auto_delete, stop_on_error } = action;
    let deletes = checks::switch("Action", *action)?;
    checks::switch("AutoDelete", *auto_delete)?;
    checks::switch("StopOnError", *stop_on_error)?;
    if key.is_empty() {
        return Err(checks::wrong("Key", "is missing"));
    }
    if value.is_none() && !deletes {
        return Err(checks::wrong("Value", "is missing"));
    }
    Ok(())
}

fn modify_one(
    room: &mut ChatRoom,
    action: &AttributeAction,
    limits: AttributeLimits,
) -> Result<u64, AttributeRefusal> {
    let AttributeAction { action, key, value, auto_delete, stop_on_error: _ } = action;
    if *action == 1 {
        return room.delete(key);
    }
    room.set(key, value.as_deref().unwrap_or_default(), *auto_delete == 1, limits)
}

fn sub_code(refusal: AttributeRefusal) -> i64 {
    match refusal {
        AttributeRefusal::NoSuchKey => NO_SUCH_KEY,
        AttributeRefusal::OverLimit => Zego::AttributeLimit.number(),
    }
}

/// UserRegister: registers the new users, and lists those that exist as errors.
pub(in crate::emulator) fn register(request: &Request<'_>, world: &World) -> Outcome {
    let UserRegister { user_info } = checks::body(request)?;
    if user_info.is_empty() || user_info.len() > USERS {
        return Err(checks::wrong("UserInfo", "holds 1 to 100 users"));
    }
    user_info.iter().try_for_each(user_fits)?;
    let app = request.caller.app;
    let ids = user_info.into_iter().map(|user| user.id);
    let (known, ids): (Vec<_>, Vec<_>) = ids.partition(|id| world.chat.is_registered(app, id));
    let sub_code = Zego::UserExists.number();
    let error_list = known.into_iter().map(|user_id| FailedUser { user_id, sub_code }).collect();
    let payload = Payload::Registered { error_list };
    if ids.is_empty() {
        return Err(Refusal { payload, ..Zego::UserExists.into() });
    }
    Ok(Accepted::changed(Change::Users { app, ids }, payload))
}

fn user_fits(user: &UserInfo) -> Result<(), Refusal> {
    let UserInfo { id, name, avatar } = user;
    checks::identifier("UserId", id)?;
    checks::at_most("UserName", name.as_deref().unwrap_or_default(), USER_NAME_BYTES)?;
    checks::at_most("UserAvatar", avatar.as_deref().unwrap_or_default(), USER_AVATAR_BYTES)
}

/// The users on a page of QueryRoomUserList without a Limit.
const PAGE: u64 = 100;

/// The largest Limit of QueryRoomUserList.
const LARGEST_PAGE: u64 = 500;

/// QueryRoomAttribute.
pub(in crate::emulator) fn attributes(
    request: &Request<'_>,
    world: &World,
    config: &EmulatorConfig,
) -> Outcome {
    let QueryRoomAttribute { from_user_id, room_id } = checks::body(request)?;
    checks::identifier("RoomId", &room_id)?;
    checks::operator(request, world, &from_user_id)?;
    match (world.chat.room(request.caller.app, &room_id), config.missing_room) {
        (Some(room), _) => Ok(Accepted::read(attributes_of(room))),
        (None, MissingRoom::Refused) => Err(Zego::RoomMissing.into()),
        (None, MissingRoom::EmptyAnswer) => {
            Ok(Accepted::read(Payload::Attributes { attribute_seq: 0, attributes: Vec::new() }))
        }
    }
}

fn attributes_of(room: &ChatRoom) -> Payload {
    let attributes = room.attributes.iter().map(|(key, attribute)| ReadAttribute {
        key: key.clone(),
        value: attribute.value.clone(),
        seq: attribute.sequence,
        auto_delete: attribute.auto_delete.into(),
    });
    Payload::Attributes { attribute_seq: room.sequence, attributes: attributes.collect() }
}

/// QueryRoomUserList: NextFlag is the number of the next page.
pub(in crate::emulator) fn people(request: &Request<'_>, world: &World) -> Outcome {
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
    let user = |at: u64| listed_user(if newest_first { count - at } else { at + 1 });
    let user_list = (first..end).map(user).collect();
    let next_flag = if limit > 0 && end < count { (page + 1).to_string() } else { last(count) };
    Ok(Accepted::read(Payload::People { count, next_flag, user_list }))
}

/// Returns the NextFlag after the last page. The vendor documents two; the count selects one, so that both
/// occur.
fn last(count: u64) -> String {
    if count.is_multiple_of(2) { "0".to_owned() } else { String::new() }
}

fn listed_user(number: u64) -> ListedUser {
    ListedUser { user_id: format!("user-{number}"), user_name: format!("User {number}") }
}

fn number(request: &Request<'_>, parameter: &str, default: u64, most: u64) -> Result<u64, Refusal> {
    let Some(text) = request.query.value(parameter) else { return Ok(default) };
    let number: Option<u64> = text.parse().ok();
    number
        .filter(|number| *number <= most)
        .ok_or_else(|| checks::wrong(parameter, &format!("is not a number up to {most}")))
}
