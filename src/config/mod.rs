//! YAML to [`crate::model::Desired`]: the files, checked and resolved.
//!
//! serde_yaml decides what a text means. Only where it has refused, or a check has, the text is read
//! once more by a parser that knows every place, so that all mistakes are told at once.

mod application;
mod attributes;
mod checks;
mod defaults;
mod digest;
mod document;
mod endpoint;
mod fields;
mod files;
mod folders;
mod ground;
pub mod groups;
pub mod mirror;
mod moved;
mod names;
mod not_built;
mod note;
mod outline;
mod places;
mod provider;
mod regular_file;
mod room_id;
mod rooms;
mod schema;
mod secret_source;
mod settings;
mod several;
mod structure;
mod tree;
mod unreadable;
mod values;
mod variables;
mod words;

use std::path::PathBuf;

use crate::model::{Desired, Finding, Kind};

pub use files::is_standard_input;
pub use folders::Subfolders;
pub use regular_file::{ReadError, Size, read_regular};
pub use schema::schema;

use note::Notes;
use settings::Settings;
use several::Resolved;

/// What the files say, and what is worth a word about it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What the files say.
    pub desired: Desired,
    /// Warnings, in order of place.
    pub warnings: Vec<Finding>,
}

/// Loads the files that `paths` name, a folder standing for its `*.yaml` and `*.yml`, and `-` for
/// standard input.
///
/// `variable` looks up an environment variable, for `${NAME}` in the keys that take it; one that is
/// set but empty is `Some("")`.
///
/// # Errors
/// Returns every mistake of every file, in order of place, errors and warnings: 100 at most, and
/// then one finding with the number of the rest. A file that is no YAML is told alone.
pub fn load(
    paths: &[PathBuf],
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Loaded, Vec<Finding>> {
    load_from(paths, Subfolders::Skipped, variable)
}

/// Loads files as [`load`] does, with those in the subfolders of a folder or without them.
///
/// # Errors
/// Returns what [`load`] does.
pub fn load_from(
    paths: &[PathBuf],
    subfolders: Subfolders,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Loaded, Vec<Finding>> {
    let mut notes = Notes::default();
    let sources = files::read_all(paths, subfolders, &mut notes);
    let failed = notes.any_error();
    let of_folders = places::findings(notes, &sources, &[]);
    if failed {
        return Err(of_folders);
    }
    let Resolved { documents, settings, rooms, mut notes } = several::resolve(&sources, variable)?;
    let rooms = rooms::sorted(rooms, &mut notes);
    let failed = notes.any_error();
    let findings = places::findings(notes, &sources, &documents);
    if failed {
        return Err(findings);
    }
    let config_digest = digest::digest(&settings, &rooms);
    let files = sources.iter().map(|source| source.recorded(&settings.home)).collect();
    let Settings { providers, known: _, moved, policy, state, home: _ } = settings;
    let desired = Desired { providers, state, policy, rooms, files, config_digest, moved };
    let warnings = of_folders.into_iter().chain(findings).collect();
    Ok(Loaded { desired, warnings })
}

/// The commented rooms.yaml that a new user starts with. It loads without findings.
#[must_use]
pub fn starter(kind: Kind) -> &'static str {
    kind.spec().starter
}

/// A share such as `30%`, from 0 to 100.
fn percent(text: &str) -> Option<u8> {
    let digits = text.strip_suffix('%').filter(|it| it.bytes().all(|b| b.is_ascii_digit()))?;
    digits.parse().ok().filter(|percent| *percent <= 100)
}

#[cfg(test)]
mod tests;
