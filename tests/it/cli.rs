//! The command line through the real binary: exit codes, streams, documents, words.

pub(crate) mod desk;
pub(crate) mod served;

mod completions;
mod credentials;
mod documents;
mod emulator;
mod exits;
mod files;
mod kinds;
mod record;
mod streams;
mod usage;
