//! The command that makes accounts known.

use crate::emulator::wire::{AccountImport, Payload};
use crate::emulator::work::{Done, Outcome, Request};
use crate::emulator::world::Entry;

use super::checks;

/// account_import: an account that is known already is imported again without a word.
pub(in crate::emulator::work) fn import(request: &Request<'_>) -> Outcome {
    let AccountImport { user_id, nick: _, face_url: _ } = checks::body(request)?;
    checks::account("UserID", &user_id)?;
    let app = request.caller.app;
    Ok(Done::changed(Entry::Accounts { app, ids: vec![user_id] }, Payload::Nothing {}))
}
