//! Ctrl-C and SIGTERM: the first asks for a stop, the second ends the process.

use super::exit::{Exit, Stopped};
use crate::apply::{Stop, StopSwitch};

/// Listens for signals: the first turns the returned wish on, the second ends the process at once.
///
/// # Errors
/// Returns a failure to listen.
pub(super) fn listen() -> Result<Stop, Stopped> {
    use tokio::signal::unix::{SignalKind, signal};
    let (switch, stop) = StopSwitch::new();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        let mut asked = false;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if asked {
                std::process::exit(i32::from(Exit::Partly as u8));
            }
            asked = true;
            switch.stop();
        }
    });
    Ok(stop)
}
