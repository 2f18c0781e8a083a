//! The commands on a live room's metadata.

use crate::emulator::Settings;
use crate::emulator::code::Tencent;
use crate::emulator::room::MetadataRefusal;
use crate::emulator::wire::{Keys, MetadatumTold, Payload, SetMetadata, SetMetadatum};
use crate::emulator::work::{Done, Outcome, Request};
use crate::emulator::world::{Entry, World};

use super::checks;

/// set_room_metadata: all of the keys or, where a limit is in the way, none.
pub(in crate::emulator::work) fn set(
    request: &Request<'_>,
    world: &World,
    settings: &Settings,
) -> Outcome {
    let SetMetadata { room_id: id, metadata } = checks::body(request)?;
    if metadata.is_empty() || metadata.iter().any(|one| one.key.is_empty()) {
        return Err(checks::wrong("Metadata is empty, or has an empty Key"));
    }
    let mut room = checks::room(request, world, &id)?.clone();
    let entries = metadata.into_iter().map(|SetMetadatum { key, value }| (key, value)).collect();
    room.set(entries, request.now, settings.metadata_limits).map_err(code)?;
    Ok(Done::changed(Entry::Live { app: request.caller.app, id, room }, Payload::Nothing {}))
}

fn code(refusal: MetadataRefusal) -> Tencent {
    match refusal {
        MetadataRefusal::Key => Tencent::MetadataKey,
        MetadataRefusal::Value => Tencent::MetadataValue,
        MetadataRefusal::Count => Tencent::MetadataCount,
        MetadataRefusal::Total => Tencent::MetadataTotal,
    }
}

/// get_room_metadata: no keys mean all of them, and a key that is not there is left out.
pub(in crate::emulator::work) fn metadata(request: &Request<'_>, world: &World) -> Outcome {
    let Keys { room_id: id, keys } = checks::body(request)?;
    let held = checks::room(request, world, &id)?.metadata.iter();
    let wanted = held.filter(|(key, _)| keys.is_empty() || keys.contains(key));
    let told = wanted.map(|(key, held)| MetadatumTold {
        key: key.clone(),
        value: held.value.clone(),
        set_time: held.set.as_seconds(),
    });
    Ok(Done::told(Payload::Metadata { metadata: told.collect() }))
}

/// del_room_metadata: done where one of the keys at least was there.
pub(in crate::emulator::work) fn delete(request: &Request<'_>, world: &World) -> Outcome {
    let Keys { room_id: id, keys } = checks::body(request)?;
    if keys.is_empty() {
        return Err(checks::wrong("Keys is empty"));
    }
    let mut room = checks::room(request, world, &id)?.clone();
    if room.delete(&keys) == 0 {
        return Err(Tencent::MetadataKeysMissing.into());
    }
    Ok(Done::changed(Entry::Live { app: request.caller.app, id, room }, Payload::Nothing {}))
}
