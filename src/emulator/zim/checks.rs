//! The checks of ZIM's parameters.

use serde::de::DeserializeOwned;

use crate::emulator::request::Request;
use crate::emulator::response::Refusal;
use crate::emulator::world::World;
use crate::emulator::zego::Zego;

/// The longest id of a room or user in bytes.
const ID_BYTES: usize = 32;

/// The characters besides letters and digits that at least one of the vendor's pages allows in a RoomId.
const ID_MARKS: &str = "!#$%&()+-:;<=.>?@[]^_ ,{}|~";

/// Reads the body of a POST.
pub(super) fn body<T: DeserializeOwned>(request: &Request<'_>) -> Result<T, Refusal> {
    serde_json::from_slice(request.body).map_err(|error| {
        Refusal::with_message(Zego::ZimParameter, format!("parameter error: {error}"))
    })
}

/// Reads the RoomId of a GET.
pub(super) fn room_in_query<'a>(request: &Request<'a>) -> Result<&'a str, Refusal> {
    let id = request.query.value("RoomId").unwrap_or_default();
    identifier("RoomId", id)?;
    Ok(id)
}

/// Checks the characters and length of an id.
pub(super) fn identifier(parameter: &str, id: &str) -> Result<(), Refusal> {
    let fits = |c: char| c.is_ascii_alphanumeric() || ID_MARKS.contains(c);
    if id.is_empty() {
        return Err(wrong(parameter, "is missing"));
    }
    at_most(parameter, id, ID_BYTES)?;
    if id.chars().all(fits) { Ok(()) } else { Err(wrong(parameter, "has an invalid character")) }
}

/// Checks that a text has at most `bytes` bytes.
pub(super) fn at_most(parameter: &str, text: &str, bytes: usize) -> Result<(), Refusal> {
    if text.len() <= bytes {
        return Ok(());
    }
    Err(wrong(parameter, &format!("is longer than {bytes} bytes")))
}

/// Reads a 0 or 1.
pub(super) fn switch(parameter: &str, value: u8) -> Result<bool, Refusal> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(wrong(parameter, "is neither 0 nor 1")),
    }
}

/// Checks that the operator is a registered user.
pub(super) fn operator(request: &Request<'_>, world: &World, id: &str) -> Result<(), Refusal> {
    identifier("FromUserId", id)?;
    if world.chat.is_registered(request.caller.app, id) {
        return Ok(());
    }
    Err(Zego::OperatorUnknown.into())
}

/// Returns the refusal of an invalid parameter.
pub(super) fn wrong(parameter: &str, how: &str) -> Refusal {
    Refusal::with_message(Zego::ZimParameter, format!("parameter error: {parameter} {how}"))
}
