//! The command line through the real binary: exit codes, streams, documents, words.

pub(crate) mod desk;
pub(crate) mod served;

mod adopt;
mod completions;
mod credentials;
mod documents;
mod drift;
mod emulator;
mod exits;
mod files;
mod gate;
mod inputs;
mod kinds;
mod moved;
mod record;
mod redaction;
mod stalls;
mod streams;
mod summary;
mod tampering;
mod usage;
