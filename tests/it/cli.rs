//! The command line through the real binary: exit codes, streams, documents, words.

pub(crate) mod desk;
pub(crate) mod served;

mod credentials;
mod documents;
mod emulator;
mod exits;
mod files;
mod gate;
mod kinds;
mod record;
mod redaction;
mod stalls;
mod streams;
mod usage;
