//! The commands of Tencent's live rooms.

pub(super) mod auth;
pub(super) mod codes;
mod fields;
pub(super) mod room;
pub(super) mod wire;

use crate::emulator::config::{EmulatorConfig, UnknownOwner};
use crate::emulator::rate_limit::{Admission, CreateLimiter};
use crate::emulator::request::Request;
use crate::emulator::response::{Accepted, Outcome, Payload, Refusal};
use crate::emulator::world::{Change, World};
use crate::model::RoomId;

use codes::Tencent;
use room::MetadataRefusal;
use wire::{
    AccountImport, ChangedRoom, Keys, NewRoom, OneRoom, ReadMetadatum, SetMetadata, SetMetadatum,
};

/// create_room. A well-formed request counts towards the limit of one per second and id, also if another
/// check refuses it.
pub(in crate::emulator) fn create(
    request: &Request<'_>,
    world: &World,
    config: &EmulatorConfig,
    creates: &mut CreateLimiter,
) -> Outcome {
    let NewRoom { room_info } = fields::body(request)?;
    let id = room_info.room_id.clone();
    let room = fields::new(room_info, caller(request), request.now)?;
    let app = request.caller.app;
    if creates.admit(app, &id, request.at) == Admission::TooOften {
        return Err(Tencent::CreateTooOften.into());
    }
    if config.chat_groups.contains(&RoomId::new(&id)) {
        return Err(Tencent::ChatGroup.into());
    }
    if let Some(other) = world.live.room(app, &id) {
        let same = other.owner == room.owner;
        return Err(if same { Tencent::RoomExists } else { Tencent::RoomTaken }.into());
    }
    owner(request, world, config, &room.owner)?;
    Ok(Accepted::changed(Change::Live { app, id, room }, Payload::Nothing {}))
}

/// Checks that the owner is imported or the caller, who is an administrator.
fn owner(
    request: &Request<'_>,
    world: &World,
    config: &EmulatorConfig,
    owner: &str,
) -> Result<(), Refusal> {
    if owner == caller(request) || world.live.is_registered(request.caller.app, owner) {
        return Ok(());
    }
    Err(match config.unknown_owner {
        UnknownOwner::NoAccount => Tencent::AccountUnknown.into(),
        UnknownOwner::InvalidParameter => {
            Refusal::with_message(Tencent::Parameter, "invalid owner account")
        }
    })
}

fn caller<'a>(request: &Request<'a>) -> &'a str {
    request.query.value("identifier").unwrap_or_default()
}

/// destroy_room: dissolves a room, also with people inside.
pub(in crate::emulator) fn destroy(
    request: &Request<'_>,
    world: &World,
    config: &EmulatorConfig,
) -> Outcome {
    let OneRoom { room_id: id } = fields::body(request)?;
    if config.chat_groups.contains(&RoomId::new(&id)) {
        return Err(Tencent::NotLive.into());
    }
    fields::room(request, world, &id)?;
    Ok(Accepted::changed(Change::Dissolved { app: request.caller.app, id }, Payload::Nothing {}))
}

/// get_room_info.
pub(in crate::emulator) fn info(
    request: &Request<'_>,
    world: &World,
    config: &EmulatorConfig,
) -> Outcome {
    let OneRoom { room_id: id } = fields::body(request)?;
    let room = fields::room(request, world, &id)?;
    let room_info = Box::new(fields::read(id, room.clone(), config.head_count));
    Ok(Accepted::read(Payload::Live { room_info }))
}

/// update_room_info: changes the fields in the request, and no others.
pub(in crate::emulator) fn update(request: &Request<'_>, world: &World) -> Outcome {
    let ChangedRoom { room_info } = fields::body(request)?;
    let id = room_info.room_id.clone();
    let mut room = fields::room(request, world, &id)?.clone();
    fields::change(&mut room, room_info)?;
    Ok(Accepted::changed(Change::Live { app: request.caller.app, id, room }, Payload::Nothing {}))
}

/// set_room_metadata: sets all keys or, if a limit would be exceeded, none.
pub(in crate::emulator) fn set(
    request: &Request<'_>,
    world: &World,
    config: &EmulatorConfig,
) -> Outcome {
    let SetMetadata { room_id: id, metadata } = fields::body(request)?;
    if metadata.is_empty() || metadata.iter().any(|one| one.key.is_empty()) {
        return Err(fields::wrong("Metadata is empty, or has an empty Key"));
    }
    let mut room = fields::room(request, world, &id)?.clone();
    let entries = metadata.into_iter().map(|SetMetadatum { key, value }| (key, value)).collect();
    room.set(entries, request.now, config.metadata_limits).map_err(code)?;
    Ok(Accepted::changed(Change::Live { app: request.caller.app, id, room }, Payload::Nothing {}))
}

fn code(refusal: MetadataRefusal) -> Tencent {
    match refusal {
        MetadataRefusal::Key => Tencent::MetadataKey,
        MetadataRefusal::Value => Tencent::MetadataValue,
        MetadataRefusal::Count => Tencent::MetadataCount,
        MetadataRefusal::Total => Tencent::MetadataTotal,
    }
}

/// get_room_metadata: reads the given keys that exist, or all keys if none is given.
pub(in crate::emulator) fn metadata(request: &Request<'_>, world: &World) -> Outcome {
    let Keys { room_id: id, keys } = fields::body(request)?;
    let held = fields::room(request, world, &id)?.metadata.iter();
    let selected = held.filter(|(key, _)| keys.is_empty() || keys.contains(key));
    let read = selected.map(|(key, held)| ReadMetadatum {
        key: key.clone(),
        value: held.value.clone(),
        set_time: held.set.as_seconds(),
    });
    Ok(Accepted::read(Payload::Metadata { metadata: read.collect() }))
}

/// del_room_metadata: succeeds if at least one of the keys existed.
pub(in crate::emulator) fn delete(request: &Request<'_>, world: &World) -> Outcome {
    let Keys { room_id: id, keys } = fields::body(request)?;
    if keys.is_empty() {
        return Err(fields::wrong("Keys is empty"));
    }
    let mut room = fields::room(request, world, &id)?.clone();
    if room.delete(&keys) == 0 {
        return Err(Tencent::MetadataKeysMissing.into());
    }
    Ok(Accepted::changed(Change::Live { app: request.caller.app, id, room }, Payload::Nothing {}))
}

/// account_import: succeeds also if the account is imported already.
pub(in crate::emulator) fn import(request: &Request<'_>) -> Outcome {
    let AccountImport { user_id, nick: _, face_url: _ } = fields::body(request)?;
    fields::check_account("UserID", &user_id)?;
    let app = request.caller.app;
    Ok(Accepted::changed(Change::Accounts { app, ids: vec![user_id] }, Payload::Nothing {}))
}
