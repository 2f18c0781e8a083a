//! The actions that change something.

use crate::emulator::Settings;
use crate::emulator::code::Zego;
use crate::emulator::room::{AttributeRefusal, ChatRoom};
use crate::emulator::wire::{
    AttributeAction, CreateRoom, KeyDone, KeyRefused, ModifyRoomAttribute, NewAttribute, Payload,
    UserInfo, UserRefused, UserRegister,
};
use crate::emulator::world::{Entry, World};
use crate::model::AttributeLimits;

use super::checks;
use crate::emulator::work::{Done, Outcome, Refusal, Request};

/// A RoomName: at most so many bytes.
const NAME_BYTES: usize = 64;

/// The longest DestroyDelayTime in seconds.
const LONGEST_DELAY: u32 = 10_800;

/// The users of one UserRegister, and the bytes of a name and an avatar.
const USERS: usize = 100;
const USER_NAME_BYTES: usize = 256;
const USER_AVATAR_BYTES: usize = 500;

/// The sub-code of a key that a delete did not find. The vendor shows one and explains none.
const NO_SUCH_KEY: i64 = 1;

/// CreateRoom. An id that exists is told before the quota is.
pub(in crate::emulator::work) fn create(
    request: &Request<'_>,
    world: &World,
    settings: &Settings,
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
    set_all(&mut room, &attributes, settings.attribute_limits)?;
    if world.chat.room(app, &room_id).is_some() {
        return Err(Zego::RoomExists.into());
    }
    if settings.max_rooms.is_some_and(|most| world.chat.alive(app) >= most) {
        return Err(Zego::RoomQuota.into());
    }
    let payload = Payload::Created { attribute_seq: room.sequence };
    Ok(Done::changed(Entry::Room { app, id: room_id, room }, payload))
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

/// DestroyRoom, whoever is inside.
pub(in crate::emulator::work) fn destroy(request: &Request<'_>, world: &World) -> Outcome {
    let id = checks::room_in_query(request)?;
    if let Some(operator) = request.query.value("FromUserId") {
        checks::identifier("FromUserId", operator)?;
    }
    let app = request.caller.app;
    if world.chat.room(app, id).is_none() {
        return Err(Zego::RoomMissing.into());
    }
    Ok(Done::changed(Entry::Gone { app, id: id.to_owned() }, Payload::Nothing {}))
}

/// ModifyRoomAttribute: one key after the other as the list has them, neither atomic nor conditional.
pub(in crate::emulator::work) fn modify(
    request: &Request<'_>,
    world: &World,
    settings: &Settings,
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
        match modify_one(&mut room, &action, settings.attribute_limits) {
            Ok(seq) => succ_key_list.push(KeyDone { key: action.key, seq }),
            Err(refusal) => {
                err_key_list.push(KeyRefused { sub_code: sub_code(refusal), key: action.key });
                if stops {
                    break;
                }
            }
        }
    }
    let payload = Payload::Modified { attribute_seq: room.sequence, succ_key_list, err_key_list };
    Ok(Done::changed(Entry::Room { app, id: room_id, room }, payload))
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

/// UserRegister: registers those who are not yet, and lists the others.
pub(in crate::emulator::work) fn register(request: &Request<'_>, world: &World) -> Outcome {
    let UserRegister { user_info } = checks::body(request)?;
    if user_info.is_empty() || user_info.len() > USERS {
        return Err(checks::wrong("UserInfo", "holds 1 to 100 users"));
    }
    user_info.iter().try_for_each(user_fits)?;
    let app = request.caller.app;
    let ids = user_info.into_iter().map(|user| user.id);
    let (known, ids): (Vec<_>, Vec<_>) = ids.partition(|id| world.chat.knows(app, id));
    let sub_code = Zego::UserExists.number();
    let error_list = known.into_iter().map(|user_id| UserRefused { user_id, sub_code }).collect();
    let payload = Payload::Registered { error_list };
    if ids.is_empty() {
        return Err(Refusal { payload, ..Zego::UserExists.into() });
    }
    Ok(Done::changed(Entry::Users { app, ids }, payload))
}

fn user_fits(user: &UserInfo) -> Result<(), Refusal> {
    let UserInfo { id, name, avatar } = user;
    checks::identifier("UserId", id)?;
    checks::at_most("UserName", name.as_deref().unwrap_or_default(), USER_NAME_BYTES)?;
    checks::at_most("UserAvatar", avatar.as_deref().unwrap_or_default(), USER_AVATAR_BYTES)
}
