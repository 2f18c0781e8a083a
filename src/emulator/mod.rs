//! The stand-in for the services, made from their documents alone.
//!
//! It shares no code with the client: its own wire types, its own check of signatures, its own list of codes,
//! so that one mistake cannot hide in both. Where the vendor's pages are silent it takes the stricter reading:
//!
//! - a nonce may be used once in ten minutes, and a field that no page shows is refused;
//! - a refused request does not count towards the rate limit;
//! - a ZIM room without a delay is gone as soon as time moves on from its creation, or from the last user's
//!   leaving;
//! - people are anonymous, so any leaving deletes the auto-delete attributes;
//! - a create_room counts towards the one a second of its room whatever its result, and keys count towards
//!   the size of the metadata;
//! - an identifier whose UserSig is valid is an administrator, and a live room that nobody entered stays;
//! - the rate limit and the age of a signature use real time, the life of rooms the emulator's own clock.
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
