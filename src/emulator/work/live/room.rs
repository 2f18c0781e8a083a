//! The commands that make, read, change and dissolve live rooms.

use crate::emulator::code::Tencent;
use crate::emulator::pace::Pace;
use crate::emulator::traffic::Passage;
use crate::emulator::wire::{ChangedRoom, NewRoom, OneRoom, Payload};
use crate::emulator::work::{Done, Outcome, Refusal, Request};
use crate::emulator::world::{Entry, World};
use crate::emulator::{Settings, UnknownOwner};
use crate::model::RoomId;

use super::{checks, fields};

/// create_room. A well-formed request counts towards the one a second of its id, whatever comes of it.
pub(in crate::emulator::work) fn create(
    request: &Request<'_>,
    world: &World,
    settings: &Settings,
    pace: &mut Pace,
) -> Outcome {
    let NewRoom { room_info } = checks::body(request)?;
    let id = room_info.room_id.clone();
    let room = fields::new(room_info, caller(request), request.now)?;
    let app = request.caller.app;
    if pace.create(app, &id, request.at) == Passage::TooOften {
        return Err(Tencent::CreateTooOften.into());
    }
    if settings.chat_groups.contains(&RoomId::new(&id)) {
        return Err(Tencent::ChatGroup.into());
    }
    if let Some(other) = world.live.room(app, &id) {
        let same = other.owner == room.owner;
        return Err(if same { Tencent::RoomExists } else { Tencent::RoomTaken }.into());
    }
    owner(request, world, settings, &room.owner)?;
    Ok(Done::changed(Entry::Live { app, id, room }, Payload::Nothing {}))
}

/// Holds the owner to be imported, or to be the caller, who is an administrator.
fn owner(
    request: &Request<'_>,
    world: &World,
    settings: &Settings,
    owner: &str,
) -> Result<(), Refusal> {
    if owner == caller(request) || world.live.knows(request.caller.app, owner) {
        return Ok(());
    }
    Err(match settings.unknown_owner {
        UnknownOwner::NoAccount => Tencent::AccountUnknown.into(),
        UnknownOwner::InvalidParameter => {
            Refusal::because(Tencent::Parameter, "invalid owner account")
        }
    })
}

fn caller<'a>(request: &Request<'a>) -> &'a str {
    request.query.value("identifier").unwrap_or_default()
}

/// destroy_room, whoever is inside.
pub(in crate::emulator::work) fn destroy(
    request: &Request<'_>,
    world: &World,
    settings: &Settings,
) -> Outcome {
    let OneRoom { room_id: id } = checks::body(request)?;
    if settings.chat_groups.contains(&RoomId::new(&id)) {
        return Err(Tencent::NotLive.into());
    }
    checks::room(request, world, &id)?;
    Ok(Done::changed(Entry::Dissolved { app: request.caller.app, id }, Payload::Nothing {}))
}

/// get_room_info.
pub(in crate::emulator::work) fn info(
    request: &Request<'_>,
    world: &World,
    settings: &Settings,
) -> Outcome {
    let OneRoom { room_id: id } = checks::body(request)?;
    let room = checks::room(request, world, &id)?;
    let room_info = Box::new(fields::told(id, room.clone(), settings.head_count));
    Ok(Done::told(Payload::Live { room_info }))
}

/// update_room_info: what is not in the request stays as it is.
pub(in crate::emulator::work) fn update(request: &Request<'_>, world: &World) -> Outcome {
    let ChangedRoom { room_info } = checks::body(request)?;
    let id = room_info.room_id.clone();
    let mut room = checks::room(request, world, &id)?.clone();
    fields::change(&mut room, room_info)?;
    Ok(Done::changed(Entry::Live { app: request.caller.app, id, room }, Payload::Nothing {}))
}
