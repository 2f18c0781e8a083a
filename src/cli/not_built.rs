//! What the command line has a name for and this version does not do: refused with a word.

use clap::error::{ContextKind, ContextValue, ErrorKind};

const NAMES: &[&str] = &["mv", "pull", "push"];

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
    NAMES.contains(&name.as_str()).then(|| name.clone())
}
