//! `state migrate`: copies a state to another place, compares it there, and marks the old one as moved.

use std::sync::Arc;
use std::time::Duration;

use crate::cli::args::Global;
use crate::cli::console::Console;
use crate::cli::context::Context;
use crate::cli::exit::{Exit, Stopped};
use crate::cli::{secrets, session, signals};
use crate::engine;
use crate::model::{Digest, ProviderIdentity, Recorded, StateLocation};
use crate::render;
use crate::state::{self, Found, LastCalls, Snapshot, Store, WriteStore};

/// Runs the command.
pub(super) async fn run(
    (from, to): (&str, &str),
    lock_timeout: Duration,
    global: &Global,
    context: &Context,
    console: &Console,
) -> Result<Exit, Stopped> {
    if global.state.is_some() {
        return Err(Stopped::usage(
            "`state migrate` takes both states as arguments: remove `--state`",
        ));
    }
    secrets::learn_named(&global.files, console.secrets());
    let (from, to) = (session::named_state(from, console)?, session::named_state(to, console)?);
    let (from, to) = (absolute(from)?, absolute(to)?);
    if from == to {
        return Err(Stopped::usage("both arguments name the same state: give another place"));
    }
    let (source, target) = (session::store(&from)?, session::store(&to)?);
    let stop = signals::listen(console.output())?;
    let lock = || session::lock("state migrate", lock_timeout, context);
    let places = Places { from: &from, to: &to };
    places.check_free(&*target).await?;
    let migrated = engine::under_lock(&*source, lock(), &stop, async |locked_from| {
        let copied = async |locked_to: &Arc<dyn WriteStore>| -> Result<_, Stopped> {
            let migrated = places.migrate(&**locked_from, &**locked_to, &*target).await?;
            Ok((migrated, last_calls(locked_from.snapshot())))
        };
        engine::under_lock_with_calls(&*target, lock(), &stop, copied).await
    });
    let migrated: Result<Migrated, Stopped> = migrated.await;
    let migrated = migrated?;
    report(&migrated, &from, &to, console)
}

struct Migrated {
    recorded: Recorded,
    digest: Digest,
}

struct Places<'a> {
    from: &'a StateLocation,
    to: &'a StateLocation,
}

impl Places<'_> {
    /// Refuses a target with a state that was itself moved: nothing writes there any more.
    async fn check_free(&self, target: &dyn Store) -> Result<(), Stopped> {
        let there = target.read().await.map_err(session::state_error)?;
        let Some(moved_to) = &there.recorded.moved_to else { return Ok(()) };
        let message = format!(
            "{} contains files of a state that was moved to {}: give another place, or remove them first; \
             nothing was done",
            render::plain(self.to),
            render::plain(moved_to)
        );
        Err(Stopped::failed("state", message))
    }

    /// Both locks are held: nothing else writes to either.
    async fn migrate(
        &self,
        from: &dyn WriteStore,
        to: &dyn WriteStore,
        target: &dyn Store,
    ) -> Result<Migrated, Stopped> {
        let Snapshot { recorded, found, .. } = from.snapshot();
        if *found == Found::New {
            let message = format!("there is no state at {}", render::plain(self.from));
            return Err(Stopped::failed("no_state", message));
        }
        let digest = state::state_digest(recorded)?;
        self.write(to, recorded, digest).await?;
        let written = target.read().await.map_err(session::state_error)?;
        if written.found == Found::New || state::state_digest(&written.recorded)? != digest {
            let message = format!(
                "the content of {} is not what was written to it; {} was not changed",
                render::plain(self.to),
                render::plain(self.from)
            );
            return Err(Stopped::failed("state", message));
        }
        let (serial, moved_to) = (recorded.serial + 1, Some(self.to.to_string().into()));
        let marked = Recorded { serial, moved_to, ..(**recorded).clone() };
        from.replace(marked).await.map_err(session::state_error)?;
        Ok(Migrated { recorded: (**recorded).clone(), digest })
    }

    /// Writes the state, unless an earlier run did and was interrupted before it marked the old one.
    async fn write(
        &self,
        to: &dyn WriteStore,
        recorded: &Recorded,
        digest: Digest,
    ) -> Result<(), Stopped> {
        let there = to.snapshot();
        if there.found == Found::New {
            return to.replace(recorded.clone()).await.map_err(session::state_error);
        }
        if state::state_digest(&there.recorded)? == digest {
            return Ok(());
        }
        let message = format!(
            "{} already contains another state, serial {}: nothing was written",
            render::plain(self.to),
            there.recorded.serial
        );
        Err(Stopped::failed("exists", message))
    }
}

/// Copies the times of the last calls, for the next run.
fn last_calls(snapshot: &Snapshot) -> LastCalls {
    if snapshot.ended_uncleanly { LastCalls::new() } else { snapshot.last_calls.clone() }
}

/// Returns the location with an absolute path.
fn absolute(location: StateLocation) -> Result<StateLocation, Stopped> {
    match location {
        StateLocation::File(path) => Ok(StateLocation::File(std::path::absolute(path)?)),
        StateLocation::Object(_) | StateLocation::Postgres(_) => Ok(location),
    }
}

fn report(
    migrated: &Migrated,
    from: &StateLocation,
    to: &StateLocation,
    console: &Console,
) -> Result<Exit, Stopped> {
    let Migrated { recorded, digest } = migrated;
    let (rooms, serial) = (super::rooms(recorded.rooms.len()), recorded.serial);
    let (shown_from, shown_to) = (render::plain(from), render::plain(to));
    console.print(|out| {
        writeln!(out, "Migrated: {rooms}, serial {serial}, {digest}.")?;
        writeln!(
            out,
            "{shown_from} keeps its records and is marked as moved: roomctl no longer writes to it. Set \
             `state: {shown_to}` in the file, or give `--state {shown_to}`."
        )
    })?;
    let world = "rooms.emulator.json";
    let emulated = recorded.providers.values().any(ProviderIdentity::is_emulated);
    let there = std::path::absolute(from.beside(world))?;
    let here = std::path::absolute(to.beside(world))?;
    if emulated && there != here {
        console.note(&render::plain(format_args!(
            "the rooms of the built-in emulator stay in {}: copy that file to {}",
            there.display(),
            here.display()
        )));
    }
    Ok(Exit::Done)
}
