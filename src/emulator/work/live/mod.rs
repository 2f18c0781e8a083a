//! Tencent's commands.

mod account;
mod checks;
mod fields;
mod metadata;
mod room;

pub(super) use account::import;
pub(super) use metadata::{delete, metadata, set};
pub(super) use room::{create, destroy, info, update};
