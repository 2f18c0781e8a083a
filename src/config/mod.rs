//! Loads YAML files into [`crate::model::Desired`], checked and resolved.
//!
//! ```text
//! load      paths → Source: which files, as text
//! decode    Source → Document: serde_yaml decides what a text means (raw), in groups of rooms
//! resolve   Documents → Desired: head (providers, policy, state), then each room against its context
//! expand    an entry with `for_each` → its rooms, each resolved as if it were written out
//! diagnose  only after a failure, or to place a warning: a YAML tree with source locations
//! ```
//!
//! `decode` succeeds or reports only that something is wrong. `diagnose` then finds every mistake, so that
//! all are reported at once.

pub mod decode;
mod diagnose;
mod diagnostics;
mod digest;
mod expand;
mod head;
mod load;
mod prescan;
pub mod raw;
mod regular_file;
mod resolve;
mod rooms_file;
mod schema;
mod secrets;
mod values;
mod variables;
mod yaml;

use std::path::PathBuf;

use crate::model::{Desired, DesiredFrom, Finding, Kind};

pub use head::{Head, head};
pub use load::{Subfolders, is_standard_input};
pub use regular_file::{ReadError, Size, read_regular, read_stream};
pub use rooms_file::{RoomsFile, room_id_error};
pub use schema::schema;

use decode::RoomLines;
use diagnostics::Diagnostics;
use resolve::{Resolved, ResolvedHead};

/// What the files declare, and the warnings about it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What the files declare.
    pub desired: Desired,
    /// Warnings, in order of place.
    pub warnings: Vec<Finding>,
}

/// Loads the files that `paths` name: a folder means its `*.yaml` and `*.yml`, and `-` means standard
/// input.
///
/// `variable` looks up an environment variable for `${NAME}` in the keys that support it. A variable
/// that is set but empty is `Some("")`.
///
/// # Errors
/// Returns every mistake of every file, sorted by place, errors and warnings: at most 100, and then one
/// finding with the number of the rest. If a file is not valid YAML, only that is reported.
pub fn load(
    paths: &[PathBuf],
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Loaded, Vec<Finding>> {
    load_from(paths, Subfolders::Skipped, variable)
}

/// Loads files like [`load`], with or without the files in subfolders.
///
/// # Errors
/// Returns the errors of [`load`].
pub fn load_from(
    paths: &[PathBuf],
    subfolders: Subfolders,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Loaded, Vec<Finding>> {
    let mut diagnostics = Diagnostics::default();
    let sources = load::read_all(paths, subfolders, &mut diagnostics);
    let failed = diagnostics.any_error();
    let of_folders = diagnose::findings(diagnostics, &sources, &[]);
    if failed {
        return Err(of_folders);
    }
    let Resolved { documents, head, rooms, entries, mut diagnostics } =
        resolve::resolve(&sources, variable)?;
    let lines = documents.iter().map(|document| document.lines(&sources[document.file].text));
    let lines: Vec<RoomLines<'_>> = lines.collect();
    let rooms = resolve::sorted(rooms, &entries, &lines, &mut diagnostics);
    let failed = diagnostics.any_error();
    let findings = diagnose::findings(diagnostics, &sources, &documents);
    if failed {
        return Err(findings);
    }
    let config_digest = digest::digest(&head, &rooms);
    let files = sources.iter().map(|source| source.recorded(&head.home)).collect();
    let ResolvedHead { providers, declared: _, moved, policy, state, home: _ } = head;
    let from = DesiredFrom::Files;
    let desired = Desired { providers, state, policy, rooms, files, config_digest, moved, from };
    let warnings = of_folders.into_iter().chain(findings).collect();
    Ok(Loaded { desired, warnings })
}

/// Returns the commented rooms.yaml for a new user. It loads without findings.
#[must_use]
pub fn starter(kind: Kind) -> &'static str {
    kind.spec().starter
}

#[cfg(test)]
mod tests;
