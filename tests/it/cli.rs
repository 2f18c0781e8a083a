//! The command line, tested through the real binary: exit codes, streams, documents, messages.

pub(crate) mod served;
pub(crate) mod test_dir;

mod adopt;
mod completions;
mod credentials;
mod documents;
mod drift;
mod emulator;
mod exits;
mod explain;
mod files;
mod gate;
mod generators;
mod inputs;
mod kinds;
mod metrics;
mod moved;
mod next_life;
#[cfg(feature = "object-store")]
mod object_stores;
mod ownership;
mod pages;
mod policies;
#[cfg(feature = "postgres")]
mod postgres;
mod reconcile;
mod record;
mod redaction;
mod saved_plans;
mod schemas;
mod scope;
mod stalls;
mod state_location;
mod state_moves;
mod state_transfer;
mod streams;
mod summary;
mod tampering;
mod timeout;
mod usage;
