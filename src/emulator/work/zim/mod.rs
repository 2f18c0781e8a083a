//! ZIM's actions.

mod ask;
mod change;
mod checks;

pub(super) use ask::{attributes, people};
pub(super) use change::{create, destroy, modify, register};
