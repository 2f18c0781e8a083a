//! The actions of RTC.

pub(super) mod room;

use crate::emulator::request::Request;
use crate::emulator::response::{Accepted, Count, Counts, Outcome, Payload, Refusal};
use crate::emulator::room_table::Room;
use crate::emulator::world::{Change, Closing, World};
use crate::emulator::zego::Zego;

/// The longest RoomId in bytes.
const ID_BYTES: usize = 128;

/// The longest CustomReason in bytes, before it is URL-encoded.
const REASON_BYTES: usize = 256;

/// The most rooms of one DescribeUserNum.
const ROOMS: usize = 10;

/// CloseRoom: closes a room, also with people inside.
pub(super) fn close(request: &Request<'_>, world: &World) -> Outcome {
    let id = identifier(request.query.value("RoomId").unwrap_or_default())?;
    let reason = request.query.value("CustomReason");
    if reason.is_some_and(|reason| reason.len() > REASON_BYTES) {
        return Err(wrong(Zego::RtcTooLong, "CustomReason"));
    }
    let callback = flag(request, "RoomCloseCallback")?;
    flag(request, "IsTest")?;
    let app = request.caller.app;
    if world.video.room(app, id).is_none() {
        return Err(missing(id).into());
    }
    let closing = Closing { reason: reason.map(str::to_owned), callback };
    Ok(Accepted::changed(Change::Closed { app, id: id.to_owned(), closing }, Payload::Nothing {}))
}

/// DescribeUserNum: a room that does not exist has 0 users.
pub(super) fn count(request: &Request<'_>, world: &World) -> Outcome {
    let ids: Vec<&str> = request.query.list("RoomId[]").collect();
    if ids.is_empty() || ids.len() > ROOMS {
        return Err(wrong(Zego::Parameter, "RoomId[] holds 1 to 10 rooms"));
    }
    flag(request, "IsTest")?;
    let count = |id: &str| {
        let id = identifier(id)?;
        let users = world.video.room(request.caller.app, id).map_or(0, Room::people);
        Ok(Count { id: id.to_owned(), users, admins: 0 })
    };
    let counted: Result<Vec<Count>, Refusal> = ids.into_iter().map(count).collect();
    Ok(Accepted::read(Payload::Counted { data: Counts { user_count_list: counted? } }))
}

fn identifier(id: &str) -> Result<&str, Refusal> {
    if id.is_empty() {
        return Err(wrong(Zego::Parameter, "RoomId is missing"));
    }
    if id.len() > ID_BYTES {
        return Err(wrong(Zego::RtcTooLong, "RoomId"));
    }
    Ok(id)
}

fn flag(request: &Request<'_>, parameter: &str) -> Result<bool, Refusal> {
    match request.query.value(parameter) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(wrong(Zego::Parameter, &format!("{parameter} is neither true nor false"))),
    }
}

/// Returns the code for a missing room. The vendor documents two; the last byte of the id selects one,
/// so that both occur.
fn missing(id: &str) -> Zego {
    let last = id.bytes().last().unwrap_or(0);
    if last.is_multiple_of(2) { Zego::RtcRoomMissing } else { Zego::RtcRoomGone }
}

fn wrong(code: Zego, what: &str) -> Refusal {
    Refusal::with_message(code, format!("{}: {what}", code.message()))
}
