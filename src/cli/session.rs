//! What most commands begin with: the files, the state, and whether the two belong together.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::args::Global;
use super::console::Console;
use super::context::{Context, variable_as_set};
use super::exit::{Exit, Stopped};
use super::secrets;
use crate::applier::{Connections, Stop};
use crate::config::{self, Head, Loaded, Subfolders};
use crate::model::{
    Desired, Finding, Moved, Provider, ProviderIdentity, ProviderName, Recorded, StateLocation,
    UrlNotBuilt,
};
use crate::planner::{self, AsDeclared, HostChange, IdentityError};
use crate::state::{Entry, Holder, LastCalls, StateError, Store, WriteStore};

/// Reads and checks the files. The secrets that they name are known from then on.
pub(super) fn files(global: &Global, console: &Console) -> Result<Loaded, Stopped> {
    let loaded = config::load_from(&global.files, subfolders(global), &variable_as_set);
    match &loaded {
        Ok(loaded) => secrets::learn_declared(&loaded.desired, console.secrets()),
        Err(_) => secrets::learn_named(&global.files, console.secrets()),
    }
    loaded.map_err(Stopped::invalid)
}

/// Reads only where the state is, if the files can be read so far; their rooms may have mistakes.
pub(super) fn head(global: &Global, console: &Console) -> Option<Head> {
    let head = config::head(&global.files, subfolders(global), &variable_as_set)?;
    secrets::learn_sources(&head.secrets, console.secrets());
    Some(head)
}

fn subfolders(global: &Global) -> Subfolders {
    if global.recursive { Subfolders::Read } else { Subfolders::Skipped }
}

/// Where the state is kept: what the command line says, or else the file.
pub(super) fn state_path(
    global: &Global,
    desired: &Desired,
    console: &Console,
) -> Result<StateLocation, Stopped> {
    match &global.state {
        Some(text) => named_state(text, console),
        None => without_secret(desired.state.clone().into(), console),
    }
}

/// Where `--state` says that the state is.
pub(super) fn named_state(text: &str, console: &Console) -> Result<StateLocation, Stopped> {
    let location: Result<StateLocation, UrlNotBuilt> = text.parse();
    let location = location.map_err(|error| Stopped::usage(format!("--state {text}: {error}")))?;
    without_secret(location, console)
}

pub(super) fn without_secret(
    location: StateLocation,
    console: &Console,
) -> Result<StateLocation, Stopped> {
    match location {
        StateLocation::File(path) => {
            named_without_secret(path, "the state", console).map(StateLocation::File)
        }
    }
}

/// A path to write to, unless it would show a secret; nothing was created then.
pub(super) fn named_without_secret(
    path: PathBuf,
    what: &str,
    console: &Console,
) -> Result<PathBuf, Stopped> {
    if secrets::are_in_path(&path, console.secrets())? {
        let words = format!("the path of {what} would hold a secret: give it another name");
        return Err(Stopped::failed("secret_in_file_name", words));
    }
    Ok(path)
}

/// Works under the write lock of a store, and folds what was written however the work ended. The
/// work tells its end and when its last calls were made.
pub(super) async fn under_lock(
    store: &dyn Store,
    command: &'static str,
    wait: Duration,
    context: &Context,
    stop: &Stop,
    work: impl AsyncFnOnce(Arc<dyn WriteStore>) -> (Result<Exit, Stopped>, LastCalls),
) -> Result<Exit, Stopped> {
    let Some(locked) = stop.or(lock(store, command, wait, context)).await else {
        let error = anyhow::anyhow!("interrupted before the lock was free: nothing was done");
        return Err(Stopped::new(Exit::Partly, "interrupted", error));
    };
    let locked = locked?;
    let (done, last_calls) = work(locked.clone()).await;
    let saved = locked.fold(last_calls).await.map_err(state_error);
    let exit = done?;
    saved.map(|_| exit)
}

async fn lock(
    store: &dyn Store,
    command: &'static str,
    wait: Duration,
    context: &Context,
) -> Result<Arc<dyn WriteStore>, Stopped> {
    store.lock(holder(command, context), wait).await.map_err(state_error)
}

/// Who this run is, as others are told.
pub(super) fn holder(command: &str, context: &Context) -> Holder {
    Holder {
        pid: std::process::id(),
        host: context.host.clone(),
        user: context.user.clone(),
        command: format!("roomctl {command}"),
        time: super::connect::now(),
    }
}

/// Refuses a state that belongs to another application; with a warning for each provider whose host is
/// recorded from now on.
pub(super) fn belongs(
    desired: &Desired,
    recorded: &Recorded,
    allow_endpoint_change: bool,
) -> Result<Vec<Finding>, Stopped> {
    let change = if allow_endpoint_change { HostChange::Allowed } else { HostChange::Refused };
    planner::identity(desired, recorded, change).map_err(|error| {
        let findings = match &error {
            IdentityError::RecordedTwice(findings) => findings.clone(),
            IdentityError::Kind { .. }
            | IdentityError::App { .. }
            | IdentityError::MadeOnEmulator { .. }
            | IdentityError::MadeForReal { .. }
            | IdentityError::Host { .. }
            | IdentityError::Renamed { .. } => Vec::new(),
        };
        Stopped { findings, ..Stopped::refused("other_application", error) }
    })
}

/// The connections under the declared names, and under those that they were renamed from: a call that
/// is still open may be recorded there.
pub(super) fn with_old_names(desired: &Desired, connections: &Connections) -> Connections {
    let mut all = connections.clone();
    for Moved { from, to } in &desired.moved {
        if let Some(connection) = connections.get(to) {
            all.insert(from.clone(), connection.clone());
        }
    }
    all
}

/// What has to be written of rooms that were moved, in one append: each under its new address before
/// it goes from the old one, so that it is never unrecorded.
pub(super) fn moves(desired: &Desired, declared: &AsDeclared<'_>) -> Vec<Entry> {
    let AsDeclared { recorded, moved, removed } = declared;
    let new = desired.moved.iter().filter(|moved| removed.contains(&moved.from));
    let new = new.filter_map(|moved| desired.providers.get(&moved.to));
    let mut entries: Vec<Entry> = new
        .map(|provider| Entry::Provider(provider.name.clone(), ProviderIdentity::of(provider)))
        .collect();
    for (address, old) in moved {
        let Some(record) = recorded.rooms.get(address) else { continue };
        let (address, record) = (address.clone(), record.clone());
        let open = record.pending.is_some();
        let moved_away = (address != *old).then(|| Entry::Removed(old.clone()));
        entries.push(if open {
            Entry::Intent(address, record)
        } else {
            Entry::Result(address, record)
        });
        entries.extend(moved_away);
    }
    entries.extend(removed.iter().cloned().map(Entry::ProviderRemoved));
    entries
}

/// What has to be written of the applications that `used` or recorded rooms belong to, where the record
/// does not know them so yet.
pub(super) fn identities(
    desired: &Desired,
    recorded: &Recorded,
    used: impl Fn(&ProviderName) -> bool,
) -> Vec<Entry> {
    let of = |(name, provider): (&ProviderName, &Provider)| {
        let identity = ProviderIdentity::of(provider);
        let known = recorded.providers.get(name);
        let new = known != Some(&identity)
            && (used(name) || recorded.rooms.keys().any(|address| address.provider == *name));
        new.then(|| Entry::Provider(name.clone(), identity))
    };
    desired.providers.iter().filter_map(of).collect()
}

/// Leaves a value to the end of the process, which returns its memory at once: to free a million
/// rooms one by one takes half a second.
pub(super) fn leave_to_exit<T>(value: T) {
    std::mem::forget(value);
}

/// A failure of the store as the end of a command.
pub(super) fn state_error(error: StateError) -> Stopped {
    match error {
        StateError::Locked { .. } => Stopped::new(Exit::Locked, "locked", error),
        // Calls were made, and what they did is not in the state.
        StateError::Rescued { .. } | StateError::Unsaved { .. } | StateError::LeaseLost { .. } => {
            Stopped::new(Exit::Partly, "state", error)
        }
        StateError::Newer { .. }
        | StateError::Damaged { .. }
        | StateError::Missing { .. }
        | StateError::Foreign { .. }
        | StateError::Changed { .. }
        | StateError::Unrepaired { .. }
        | StateError::Checksum { .. }
        | StateError::Conflict { .. }
        | StateError::Unrepairable { .. }
        | StateError::Io { .. }
        | StateError::Stopped { .. } => Stopped::new(Exit::Failed, "state", error),
    }
}
