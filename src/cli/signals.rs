//! Signals. Ctrl-C and SIGTERM: the first requests a stop, the second ends the process.

use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlBreak, CtrlC, ctrl_break, ctrl_c};

use super::console::Console;
use super::exit::{Exit, Stopped};
use super::output::Output;
use crate::applier::{Stop, StopSwitch};

/// SIGXFSZ: 25 on every system but Linux on MIPS.
#[cfg(unix)]
const FILE_SIZE_EXCEEDED: i32 = 25;

/// Listens for signals: the first requests a stop, the second ends the process at once.
///
/// A separate thread listens, so that signals work while other threads are blocked.
///
/// # Errors
/// Returns a failure to listen.
pub(super) fn listen(output: &Output) -> Result<Stop, Stopped> {
    listen_beside(output.clone(), std::future::pending())
}

/// Listens as [`listen`] does, and requests a stop at the end of the time limit too; the first signal
/// after it is still the first.
///
/// # Errors
/// Returns a failure to listen.
pub(super) fn listen_within(timeout: Option<Duration>, console: &Console) -> Result<Stop, Stopped> {
    let (output, console) = (console.output().clone(), console.clone());
    listen_beside(output, async move { over(timeout, &console).await })
}

fn listen_beside(
    output: Output,
    limit: impl Future<Output = ()> + Send + 'static,
) -> Result<Stop, Stopped> {
    let (switch, stop) = StopSwitch::new();
    let (ready, listening) = mpsc::channel();
    let run = move || {
        let opened = Signals::open();
        match opened {
            Ok((runtime, signals)) => {
                drop(ready.send(Ok(())));
                runtime.block_on(signals.handle(&switch, &output, limit));
            }
            Err(error) => drop(ready.send(Err(error))),
        }
    };
    thread::Builder::new().name("signals".to_owned()).spawn(run)?;
    match listening.recv() {
        Ok(opened) => opened?,
        Err(_) => return Err(Stopped::failed("signals", "cannot install the signal handlers")),
    }
    Ok(stop)
}

/// Requests a stop at the end of the time limit, and leaves signals to the system. Must be called within
/// a runtime.
pub(super) fn stop_after(timeout: Option<Duration>, console: &Console) -> Stop {
    let (switch, stop) = StopSwitch::new();
    if let Some(timeout) = timeout {
        let console = console.clone();
        tokio::spawn(async move {
            over(Some(timeout), &console).await;
            switch.stop();
        });
    }
    stop
}

/// Waits for the end of the time limit and reports it; never returns if there is none.
async fn over(timeout: Option<Duration>, console: &Console) {
    let Some(timeout) = timeout else { return std::future::pending().await };
    tokio::time::sleep(timeout).await;
    let seconds = timeout.as_secs();
    console.note(&format!("the time limit of {seconds} s (`--timeout`) has passed: stopping"));
}

/// Makes a write beyond `ulimit -f` fail with an error instead of ending the process.
/// Must be called within a runtime.
///
/// # Errors
/// Returns a failure to change the signal's action.
#[cfg(unix)]
pub(super) fn survive_file_size_limit() -> io::Result<()> {
    // tokio's handler stays after the listener is dropped, and does not end the process.
    signal(SignalKind::from_raw(FILE_SIZE_EXCEEDED)).map(drop)
}

/// Does nothing: the system has no such limit.
#[cfg(windows)]
#[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
pub(super) fn survive_file_size_limit() -> io::Result<()> {
    Ok(())
}

struct Signals {
    #[cfg(unix)]
    interrupt: Signal,
    #[cfg(unix)]
    terminate: Signal,
    #[cfg(windows)]
    interrupt: CtrlC,
    #[cfg(windows)]
    terminate: CtrlBreak,
}

impl Signals {
    fn open() -> io::Result<(tokio::runtime::Runtime, Self)> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let inside = runtime.enter();
        #[cfg(unix)]
        let (interrupt, terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        #[cfg(windows)]
        let (interrupt, terminate) = (ctrl_c()?, ctrl_break()?);
        drop(inside);
        Ok((runtime, Self { interrupt, terminate }))
    }

    /// Requests a stop at the first signal or the end of the limit, and ends the process at the second
    /// signal.
    async fn handle(
        mut self,
        switch: &StopSwitch,
        output: &Output,
        limit: impl Future<Output = ()>,
    ) {
        let is_over = tokio::select! {
            () = self.next() => false,
            () = limit => true,
        };
        switch.stop();
        output.hurry();
        if is_over {
            self.next().await;
        }
        self.next().await;
        std::process::exit(i32::from(Exit::Aborted as u8));
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
