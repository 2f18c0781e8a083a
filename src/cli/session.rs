//! The start of most commands: the files, the state, and whether both belong together.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::args::{Global, ScopeArgs};
use super::console::Console;
use super::context::{self, Context, variable_as_set};
use super::exit::{Exit, Stopped};
use super::secrets;
use crate::config::{self, Head, Loaded, Subfolders};
use crate::engine::{Lock, SessionError};
use crate::model::{Desired, LocationError, Scope, ScopeError, StateLocation};
use crate::planner::{HostChange, IdentityError};
use crate::state::{self, Holder, StateError, Store};

/// Reads and checks the files. The secrets that they name are known from then on.
pub(super) fn files(global: &Global, console: &Console) -> Result<Loaded, Stopped> {
    let loaded = config::load_from(&global.files, subfolders(global), &variable_as_set);
    match &loaded {
        Ok(loaded) => secrets::learn_declared(&loaded.desired, console.secrets()),
        Err(_) => secrets::learn_named(&global.files, console.secrets()),
    }
    loaded.map_err(Stopped::invalid)
}

/// Reads only the head of the files, such as the location of the state, regardless of errors in rooms;
/// `None` if the head cannot be read.
pub(super) fn head(global: &Global, console: &Console) -> Option<Head> {
    let head = config::head(&global.files, subfolders(global), &variable_as_set)?;
    secrets::learn_sources(&head.secrets, console.secrets());
    Some(head)
}

fn subfolders(global: &Global) -> Subfolders {
    if global.recursive { Subfolders::Read } else { Subfolders::Skipped }
}

/// Where the state is kept: `--state`, or else `state:` in the file.
pub(super) fn state_path(
    global: &Global,
    desired: &Desired,
    console: &Console,
) -> Result<StateLocation, Stopped> {
    match &global.state {
        Some(text) => named_state(text, console),
        None => without_secret(desired.state.clone(), console),
    }
}

/// The location that `--state` gives.
pub(super) fn named_state(text: &str, console: &Console) -> Result<StateLocation, Stopped> {
    let location: Result<StateLocation, LocationError> = text.parse();
    // The text may contain a secret: it is not shown.
    let location = location.map_err(|error| Stopped::usage(format!("the state: {error}")))?;
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
        StateLocation::Object(_) | StateLocation::Postgres(_) => {
            let environment = context::store_environment();
            secrets::learn_store(&location, &environment, console.secrets());
            named_without_secret(location.to_string().into(), "the state", console)?;
            Ok(location)
        }
    }
}

/// Returns a path to write to, or an error, before anything is created, if the path contains a secret.
pub(super) fn named_without_secret(
    path: PathBuf,
    what: &str,
    console: &Console,
) -> Result<PathBuf, Stopped> {
    if secrets::are_in_path(&path, console.secrets())? {
        let words = format!("the path of {what} would contain a secret: give it another name");
        return Err(Stopped::failed("secret_in_file_name", words));
    }
    Ok(path)
}

/// Returns the store of a location; nothing is read yet.
pub(super) fn store(location: &StateLocation) -> Result<Box<dyn Store>, Stopped> {
    state::open(location, &context::store_environment()).map_err(state_error)
}

/// Returns the store of a location, whose record shares the memory of rooms that equal the declared ones.
pub(super) fn sharing_store(
    location: &StateLocation,
    desired: &Arc<Desired>,
) -> Result<Box<dyn Store>, Stopped> {
    state::open_sharing(location, &context::store_environment(), Arc::clone(desired))
        .map_err(state_error)
}

/// The holder of the lock, as other runs see it.
pub(super) fn holder(command: &str, context: &Context) -> Holder {
    Holder {
        pid: std::process::id(),
        host: context.host.clone(),
        user: context.user.clone(),
        command: format!("roomctl {command}"),
        time: super::connect::now(),
    }
}

/// How a command takes the write lock.
pub(super) fn lock(command: &str, timeout: Duration, context: &Context) -> Lock {
    Lock { holder: holder(command, context), timeout }
}

/// Whether recorded rooms may be at another host: `--allow-endpoint-change`.
pub(super) fn host_change(allowed: bool) -> HostChange {
    if allowed { HostChange::Allowed } else { HostChange::Refused }
}

/// Leaks a value: the end of the process frees its memory at once, while freeing a million rooms one by
/// one takes half a second.
pub(super) fn leave_to_exit<T>(value: T) {
    std::mem::forget(value);
}

/// Converts an error of a session to the error of a command.
impl From<SessionError> for Stopped {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::State(error) => state_error(error),
            SessionError::Identity(error) => identity_error(error),
            SessionError::Scope(error) => scope_error(error),
            SessionError::SavedPlan(error) => Self::new(Exit::Refused, "saved_plan", error),
            SessionError::Interrupted { before: _ } | SessionError::GivenUp => {
                Self::new(Exit::Partly, "interrupted", error)
            }
            SessionError::NoCredentials { provider: _, missing: _ } => {
                Self::new(Exit::Failed, "no_credentials", error)
            }
            SessionError::NotDeclared(_) => Self::new(Exit::Failed, "not_declared", error),
            SessionError::AlreadyRecorded(_) => Self::new(Exit::Failed, "recorded", error),
            SessionError::SeveralLineages(_) => Self::refused("several_lineages", error),
            SessionError::LineageNotFound(_) => Self::new(Exit::Failed, "lineage_not_found", error),
        }
    }
}

/// Converts an error of a scope to the error of a command. A pattern without rooms is not wrong usage,
/// since it may match later.
pub(super) fn scope_error(error: ScopeError) -> Stopped {
    match error {
        ScopeError::Address(_) | ScopeError::Glob { .. } => Stopped::usage(error),
        ScopeError::MatchesNothing { .. } => Stopped::new(Exit::Failed, "empty_scope", error),
    }
}

/// The scope of the command line.
pub(super) fn scope(args: &ScopeArgs) -> Result<Scope, Stopped> {
    let ScopeArgs { target, exclude } = args;
    Scope::parse(target, exclude).map_err(scope_error)
}

fn identity_error(error: IdentityError) -> Stopped {
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
}

/// Converts a failure of the store to the error of a command.
pub(super) fn state_error(error: StateError) -> Stopped {
    match error {
        StateError::Locked { .. } => Stopped::new(Exit::Locked, "locked", error),
        // Calls were made, and their results are not in the state.
        StateError::Rescued { .. } | StateError::Unsaved { .. } => {
            Stopped::new(Exit::Partly, "state", error)
        }
        // The outcome determines whether something was changed.
        StateError::LeaseLost { .. }
        | StateError::Unlocked { .. }
        | StateError::Newer { .. }
        | StateError::Damaged { .. }
        | StateError::Missing { .. }
        | StateError::Foreign { .. }
        | StateError::Changed { .. }
        | StateError::Unrepaired { .. }
        | StateError::Checksum { .. }
        | StateError::Conflict { .. }
        | StateError::Unrepairable { .. }
        | StateError::Outdated { .. }
        | StateError::Unusable { .. }
        | StateError::Moved { .. }
        | StateError::Io { .. }
        | StateError::Stopped { .. } => Stopped::new(Exit::Failed, "state", error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_lease_is_a_failure_until_something_was_changed() {
        let lost = || StateError::LeaseLost { location: "s3://b/k".to_owned(), by: None };
        assert_eq!(state_error(lost()).exit, Exit::Failed);
        assert_eq!(state_error(lost()).after_changes().exit, Exit::Partly);
    }
}
