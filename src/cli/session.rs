//! What most commands begin with: the files, the state, and whether the two belong together.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::args::Global;
use super::context::{Context, variable};
use super::exit::{Exit, Stopped};
use crate::apply::Stop;
use crate::desired::{self, Loaded, Subfolders};
use crate::model::{Desired, Provider, ProviderIdentity, ProviderName, Recorded};
use crate::plan;
use crate::state::{Entry, FileStore, Holder, LastCalls, Locked, StateError, WriteStore};

/// Reads and checks the files.
pub(super) fn files(global: &Global) -> Result<Loaded, Stopped> {
    let subfolders = if global.recursive { Subfolders::Read } else { Subfolders::Skipped };
    desired::load_from(&global.files, subfolders, &variable).map_err(Stopped::invalid)
}

/// Where the state is kept: what the command line says, or else the file.
pub(super) fn state_path(global: &Global, desired: &Desired) -> Result<PathBuf, Stopped> {
    match &global.state {
        Some(text) => named_state(text),
        None => Ok(desired.state.clone()),
    }
}

/// The path that `--state` names.
pub(super) fn named_state(text: &str) -> Result<PathBuf, Stopped> {
    if text.contains("://") {
        let words = format!("--state {text}: state URLs are not built yet: give a path");
        return Err(Stopped::usage(words));
    }
    Ok(PathBuf::from(text))
}

/// Works under the write lock of a store, and folds what was written however the work ended. The
/// work tells its end and when its last calls were made.
pub(super) async fn under_lock(
    store: &FileStore,
    command: &'static str,
    wait: Duration,
    context: &Context,
    stop: &Stop,
    work: impl AsyncFnOnce(Arc<Locked>) -> (Result<Exit, Stopped>, LastCalls),
) -> Result<Exit, Stopped> {
    let Some(locked) = stop.or(lock(store, command, wait, context)).await else {
        let error = anyhow::anyhow!("interrupted before the lock was free: nothing was done");
        return Err(Stopped::new(Exit::Partly, "interrupted", error));
    };
    let locked = Arc::new(locked?);
    let (done, last_calls) = work(locked.clone()).await;
    let saved = locked.finish(last_calls).await.map_err(state_error);
    let exit = done?;
    saved.map(|_| exit)
}

async fn lock(
    store: &FileStore,
    command: &'static str,
    wait: Duration,
    context: &Context,
) -> Result<Locked, Stopped> {
    let holder = Holder {
        pid: std::process::id(),
        host: context.host.clone(),
        user: context.user.clone(),
        command: format!("roomctl {command}"),
        time: super::connect::now(),
    };
    store.lock(holder, wait).await.map_err(state_error)
}

/// Refuses a state that belongs to another application.
pub(super) fn belongs(desired: &Desired, recorded: &Recorded) -> Result<(), Stopped> {
    plan::identity(desired, recorded).map_err(|error| Stopped::refused("other_application", error))
}

/// What has to be written of the applications that `used` rooms belong to, where the record does
/// not know them yet.
pub(super) fn identities(
    desired: &Desired,
    recorded: &Recorded,
    used: impl Fn(&ProviderName) -> bool,
) -> Vec<Entry> {
    let of = |(name, provider): (&ProviderName, &Provider)| {
        let identity = ProviderIdentity::of(provider);
        let new = used(name) && recorded.providers.get(name) != Some(&identity);
        new.then(|| Entry::Provider(name.clone(), identity))
    };
    desired.providers.iter().filter_map(of).collect()
}

/// A failure of the store as the end of a command.
pub(super) fn state_error(error: StateError) -> Stopped {
    if matches!(error, StateError::Locked { .. }) {
        return Stopped::new(Exit::Locked, "locked", error);
    }
    Stopped::new(Exit::Failed, "state", error)
}
