//! Support for the tests: worlds in memory with a service, a paused clock, a state and runs of the
//! engine; real processes, servers and proxies.

use roomctl::{emulator, model};

pub(crate) mod fleet;
mod fuse;
mod other_client;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
pub(crate) mod process;
#[cfg(feature = "object-store")]
pub(crate) mod proxy;
mod read;
mod run;
mod script;
#[cfg(any(feature = "object-store", feature = "postgres"))]
pub(crate) mod servers;
mod stats;
#[cfg(feature = "postgres")]
pub(crate) mod tcp;
mod transport;
mod world;

pub(crate) use fuse::Fuse;
pub(crate) use other_client::OtherClient;
pub(crate) use read::{plain, text};
pub(crate) use run::{Ended, RunCommand, RunOptions, RunResult};
pub(crate) use script::{InjectedFault, Script};
pub(crate) use stats::{AppStats, ClosingStats, LiveStats, RoomStats};
pub(crate) use world::{APP, World, at, plain_service, service, write};

/// Runs a case on a separate runtime with a paused clock, which advances only while all tasks wait.
pub(crate) fn with_paused_clock<T>(case: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build();
    runtime.expect("a runtime").block_on(case)
}
