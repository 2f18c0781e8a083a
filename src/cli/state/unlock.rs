//! `state unlock`: ends the lease of a run that is gone.

use super::approve;
use crate::cli::console::Console;
use crate::cli::exit::{Exit, Stopped};
use crate::cli::{session, signals};
use crate::model::{Holder, StateLocation};
use crate::render;
use crate::state::{Held, Store};

/// Runs the command.
pub(super) async fn run(
    store: &dyn Store,
    location: &StateLocation,
    auto_approve: bool,
    console: &Console,
) -> Result<Exit, Stopped> {
    let stop = signals::listen(console.output())?;
    let path = render::plain(location);
    let Some(held) = store.held().await.map_err(session::state_error)? else {
        console
            .print(|out| writeln!(out, "Nothing to unlock: no run holds the lock of {path}."))?;
        return Ok(Exit::Done);
    };
    let holder = held.holder.as_ref().map_or_else(|| "another run".to_owned(), ToString::to_string);
    let Held { holder: known, lease } = &held;
    let Some(lease) = lease else {
        return Err(Stopped::new(Exit::Locked, "locked", os_lock(&path, &holder, known.as_ref())));
    };
    let ends_in = lease.ends_in.as_secs();
    console.say(&render::plain(format_args!(
        "{path} is locked by {holder}; its lease ends in {ends_in} s unless it is renewed."
    )));
    console.say(
        "End it only if that run is gone. If it still runs, it stops making calls as soon as it notices; \
         the next run looks up the outcome of the calls in flight.",
    );
    if !auto_approve {
        approve("End this lease?", "the lease was not ended", &stop, console).await?;
    }
    store.unlock(held).await.map_err(session::state_error)?;
    console
        .print(|out| writeln!(out, "Unlocked: the next run takes the lock of {path} at once."))?;
    Ok(Exit::Done)
}

/// Makes the error for a lock of the operating system, with its holder and how to end it.
fn os_lock(path: &str, holder: &str, known: Option<&Holder>) -> anyhow::Error {
    let process = known.map_or_else(
        || "the process that has its lock file open".to_owned(),
        |Holder { pid, host, user: _, command: _, time: _ }| format!("process {pid} on {host}"),
    );
    let stop = known.map_or_else(String::new, |Holder { pid, .. }| format!(" (`kill {pid}`)"));
    let text = format!(
        "{path} is locked by {holder}. This is a lock of the operating system: it has no lease, and ends \
         with {process}. If that run hangs, stop it there{stop}; the next run reads its journal and looks \
         up the outcome of the calls in flight. Do not remove the lock file"
    );
    anyhow::Error::msg(render::plain(text))
}
