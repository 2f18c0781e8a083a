//! What the command line has a name for and this version does not do: refused with a word.

use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};

const NAMES: &[&str] = &[
    "reconcile",
    "mv",
    "pull",
    "push",
    "--out",
    "--target",
    "--exclude",
    "--expect",
    "markdown",
    "github",
];

/// Where each kind of error holds the name.
const HOLDERS: &[(ErrorKind, ContextKind)] = &[
    (ErrorKind::InvalidSubcommand, ContextKind::InvalidSubcommand),
    (ErrorKind::UnknownArgument, ContextKind::InvalidArg),
    (ErrorKind::InvalidValue, ContextKind::InvalidValue),
];

/// The same error, in words that fit where the name will mean something in a later version.
pub(super) fn explain(error: clap::Error) -> clap::Error {
    match name(&error) {
        Some(name) => {
            clap::Error::raw(error.kind(), format!("`{name}` is not built yet: leave it out\n"))
        }
        None => error,
    }
}

fn name(error: &clap::Error) -> Option<String> {
    let (_, holder) = HOLDERS.iter().find(|(kind, _)| *kind == error.kind())?;
    let Some(ContextValue::String(name)) = error.get(*holder) else { return None };
    if NAMES.contains(&name.as_str()) {
        return Some(name.clone());
    }
    let json = Path::new(name).extension().is_some_and(|extension| extension == "json");
    let saved_plan = error.kind() == ErrorKind::UnknownArgument && json;
    saved_plan.then(|| format!("apply {name}"))
}
