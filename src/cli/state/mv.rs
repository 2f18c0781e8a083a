//! `state mv`: moves records to a renamed provider.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cli::args::Global;
use crate::cli::console::Console;
use crate::cli::context::Context;
use crate::cli::exit::{Exit, Stopped};
use crate::cli::{session, signals};
use crate::engine;
use crate::model::{Address, Provider, ProviderName, Recorded};
use crate::planner::{self, Relocated, Relocation, RelocationError};
use crate::render;
use crate::state::{LastCalls, Snapshot, Store};

/// Runs the command.
pub(super) async fn run(
    store: &dyn Store,
    (from, to): (&str, &str),
    lock_timeout: Duration,
    global: &Global,
    context: &Context,
    console: &Console,
) -> Result<Exit, Stopped> {
    let relocation = parsed(from, to)?;
    let declared = declared(global, console);
    let stop = signals::listen(console.output())?;
    let lock = session::lock("state mv", lock_timeout, context);
    engine::under_lock_with_calls(store, lock, &stop, async |locked| {
        let snapshot = locked.snapshot();
        let relocated = planner::relocate(&snapshot.recorded, &relocation, &declared);
        let Relocated { recorded, rooms } = relocated.map_err(refused)?;
        let serial = recorded.serial + 1;
        let moved = Recorded { serial, ..recorded };
        locked.replace(moved).await.map_err(session::state_error)?;
        console.print(|out| {
            writeln!(out, "Moved:")?;
            rooms.iter().try_for_each(|(old, new)| {
                writeln!(out, "{} → {}", render::plain(old), render::plain(new))
            })
        })?;
        Ok((Exit::Done, last_calls(snapshot, &relocation)))
    })
    .await
}

/// Returns the providers that the files declare; none if their head cannot be read, or with `--state`,
/// whose state may belong to other files.
fn declared(global: &Global, console: &Console) -> BTreeMap<ProviderName, Provider> {
    let head = if global.state.is_none() { session::head(global, console) } else { None };
    head.map(|head| head.providers).unwrap_or_default()
}

/// Parses two providers, each with a `/` after its name, or two addresses.
fn parsed(from: &str, to: &str) -> Result<Relocation, Stopped> {
    match (provider(from)?, provider(to)?) {
        (Some(from), Some(to)) => Ok(Relocation::Provider { from, to }),
        (None, None) => {
            let address = |text: &str| text.parse::<Address>().map_err(Stopped::usage);
            Ok(Relocation::Room { from: address(from)?, to: address(to)? })
        }
        (Some(_), None) | (None, Some(_)) => Err(Stopped::usage(format!(
            "`{from}` and `{to}`: name two providers, as in `talk/ chat/`, or two addresses, as in \
             `talk/lobby chat/lobby`"
        ))),
    }
}

fn provider(text: &str) -> Result<Option<ProviderName>, Stopped> {
    match text.split_once('/') {
        Some((name, "")) => ProviderName::new(name).map(Some).map_err(Stopped::usage),
        Some(_) | None => Ok(None),
    }
}

/// Copies the times of the provider's calls to its new name, so that the next run keeps its limits.
fn last_calls(snapshot: &Snapshot, relocation: &Relocation) -> LastCalls {
    match relocation {
        // The times of a run that ended uncleanly are incomplete.
        _ if snapshot.ended_uncleanly => LastCalls::new(),
        Relocation::Provider { from, to } => {
            let calls = snapshot.last_calls.get(from);
            calls.map(|calls| (to.clone(), calls.clone())).into_iter().collect()
        }
        Relocation::Room { .. } => LastCalls::new(),
    }
}

fn refused(error: RelocationError) -> Stopped {
    match error {
        RelocationError::Same | RelocationError::OtherRoom { .. } => Stopped::usage(error),
        RelocationError::NotRecorded(_) | RelocationError::NoRooms(_) => {
            Stopped::new(Exit::Failed, "not_recorded", error)
        }
        RelocationError::Taken(_) => Stopped::new(Exit::Failed, "recorded", error),
        RelocationError::OtherApplication { .. } | RelocationError::Identity(_) => {
            Stopped::refused("other_application", error)
        }
    }
}
