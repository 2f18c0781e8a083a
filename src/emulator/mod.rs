//! The built-in emulator of the services, implemented from the vendors' documentation alone.
//!
//! It shares no code with the client: its own wire types, its own check of signatures, its own list of
//! codes, so that one mistake cannot hide in both. Where the documentation is silent or ambiguous, it
//! behaves as follows:
//!
//! - a nonce may be used once in ten minutes, and a field that is not documented is refused;
//! - a refused request does not count towards the rate limit;
//! - a ZIM room without a delay ends one millisecond after its creation, or after the last user left;
//! - people are anonymous, so the auto-delete attributes are deleted when anyone leaves;
//! - a well-formed create_room counts towards the limit of one per second and room even if another check
//!   refuses it, and keys count towards the size of the metadata;
//! - an identifier with a valid UserSig is an administrator, and a live room that no one has entered stays;
//! - rate limits and the age of signatures use real time, the end of rooms uses the emulator's clock.
//!
//! The files from low to high, each importing only lower ones: `action`, `fault`, `rate_limit`, `request`,
//! `error`, `config`; the rooms, codes and wire types of each service; `room_table`, `world`, `store`;
//! `response`; the services' behaviour; `core`, `handle`, `process`, `server`.

mod action;
mod config;
mod core;
mod error;
mod fault;
mod handle;
mod process;
mod rate_limit;
mod request;
mod response;
mod room_table;
mod rtc;
mod server;
mod store;
mod tencent_live;
#[cfg(test)]
mod tests;
mod world;
mod zego;
mod zim;

pub use action::{Action, CallEvent};
pub use config::{App, EmulatorConfig, HeadCount, MissingRoom, Retention, UnknownOwner};
pub use error::EmulatorError;
pub use fault::{Fault, FaultError, FaultShare, Share, Work};
pub use handle::Emulator;
pub use process::Cut;
pub use server::Running;
pub use store::Data;
