//! What every field of a live room has to be.

use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::emulator::code::Tencent;
use crate::emulator::room::LiveRoom;
use crate::emulator::work::{Refusal, Request};
use crate::emulator::world::World;

/// A RoomId: at most so many bytes.
const ID_BYTES: usize = 48;

/// An account's id: at most so many bytes.
const ACCOUNT_BYTES: usize = 32;

/// A RoomName, a Notice and a CoverURL: at most so many bytes.
const NAME_BYTES: usize = 100;
const NOTICE_BYTES: usize = 100;
const COVER_BYTES: usize = 200;

/// The integers of a Category.
const CATEGORIES: usize = 3;

/// What a TakeSeatMode may be.
const MODES: [&str; 2] = ["FreeToTake", "ApplyToTake"];

/// The seat templates, each with the seats of a room that does not say how many it has. The pages leave
/// the audio templates' number open.
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
            Refusal::because(Tencent::Json, error.to_string())
        }
    })
}

/// The room of this id.
pub(super) fn room<'a>(
    request: &Request<'_>,
    world: &'a World,
    id: &str,
) -> Result<&'a LiveRoom, Refusal> {
    room_id(id)?;
    world.live.room(request.caller.app, id).ok_or_else(|| Tencent::RoomMissing.into())
}

/// Holds a RoomId to its characters and length.
pub(super) fn room_id(id: &str) -> Result<(), Refusal> {
    let printable = id.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if id.is_empty() || id.len() > ID_BYTES || !printable {
        return Err(wrong("RoomId is not 1 to 48 bytes of printable ASCII"));
    }
    Ok(())
}

/// Holds an account's id to its length.
pub(super) fn account(field: &str, id: &str) -> Result<(), Refusal> {
    if id.is_empty() {
        Err(wrong(&format!("{field} is empty")))
    } else {
        at_most(field, id, ACCOUNT_BYTES)
    }
}

/// Holds a room's name to its length.
pub(super) fn name(name: &str) -> Result<(), Refusal> {
    at_most("RoomName", name, NAME_BYTES)
}

/// Holds a notice to its length.
pub(super) fn notice(notice: &str) -> Result<(), Refusal> {
    at_most("Notice", notice, NOTICE_BYTES)
}

/// Holds a cover's URL to its length.
pub(super) fn cover(url: &str) -> Result<(), Refusal> {
    at_most("CoverURL", url, COVER_BYTES)
}

/// Holds a category to its number of integers.
pub(super) fn category(category: &[i64]) -> Result<(), Refusal> {
    if category.len() <= CATEGORIES { Ok(()) } else { Err(wrong("Category is longer than 3")) }
}

/// Holds a TakeSeatMode to those there are.
pub(super) fn mode(mode: &str) -> Result<(), Refusal> {
    if MODES.contains(&mode) {
        Ok(())
    } else {
        Err(wrong("TakeSeatMode is none of those there are"))
    }
}

/// The seats that a template has.
pub(super) fn seats(template: &str) -> Result<u32, Refusal> {
    let found = TEMPLATES.into_iter().find(|(name, _)| *name == template);
    found.map(|(_, seats)| seats).ok_or_else(|| wrong("SeatTemplate is none of those there are"))
}

/// A parameter that is wrong.
pub(super) fn wrong(how: &str) -> Refusal {
    Refusal::because(Tencent::Parameter, format!("invalid parameter: {how}"))
}

fn at_most(field: &str, text: &str, bytes: usize) -> Result<(), Refusal> {
    if text.len() <= bytes {
        return Ok(());
    }
    Err(wrong(&format!("{field} is longer than {bytes} bytes")))
}
