//! Reads the journal first, then the state, and puts them together in memory. Writes nothing.

use crate::model::{Holder, Recorded};
use crate::state::error::text;
use crate::state::format::{Document, Fingerprint, LastFold};
use crate::state::journal::{Journal, parse_journal};
use crate::state::overlay::Overlay;
use crate::state::{Found, StateError};

use super::disk::Stat;
use super::folder::{Folder, Writing};

/// What lies in the folder.
pub(super) struct Loaded {
    /// The state, without its journal.
    pub(super) recorded: Recorded,
    /// Shows whether the state's file is still the one that was read; `None` if there is none.
    pub(super) fingerprint: Option<Fingerprint>,
    /// Shows the same without reading the file.
    pub(super) stat: Option<Stat>,
    /// The version of its format; `None` if there is no file.
    pub(super) version: Option<u64>,
    /// The journal beside it.
    pub(super) journal: Leftover,
}

/// A journal that an earlier run left, or that one is writing now.
pub(super) enum Leftover {
    /// There is none.
    None,
    /// There is one, and the state has all of it.
    Spent,
    /// There is one that the state does not have.
    Unfolded {
        /// Which journal it is.
        id: String,
        /// What it changes.
        overlay: Overlay,
        /// The run that writes it, if it is in progress.
        in_progress: Option<Holder>,
    },
}

/// The record as a reader meets it.
pub(super) struct Read {
    /// The record, its journal included.
    pub(super) recorded: Recorded,
    /// Whether there was one.
    pub(super) found: Found,
    /// The run that writes its journal, if it is in progress.
    pub(super) in_progress: Option<Holder>,
}

/// How often files that do not fit together are read again: another run may have folded in between.
const ATTEMPTS: usize = 5;

/// Reads the record without the lock: another run may write meanwhile.
pub(super) fn read(folder: &Folder) -> Result<Read, StateError> {
    let mut loaded = load(folder);
    for _ in 1..ATTEMPTS {
        if !loaded.as_ref().is_err_and(|error| may_be_passing(folder, error)) {
            break;
        }
        loaded = load(folder);
    }
    // Not before: a run that leaves its journal for a rescue file writes that one first.
    folder.check_rescues()?;
    let Loaded { mut recorded, fingerprint, stat: _, version: _, journal } = loaded?;
    let in_progress = match journal {
        Leftover::None | Leftover::Spent => None,
        Leftover::Unfolded { id: _, overlay, in_progress } => {
            overlay.apply(&mut recorded);
            in_progress
        }
    };
    Ok(Read { recorded, found: found(fingerprint), in_progress })
}

/// Reads what lies in the folder.
pub(super) fn load(folder: &Folder) -> Result<Loaded, StateError> {
    let journal = folder.text(&folder.journal)?;
    // Before the state is read: what comes in its place afterwards is another file.
    let stat = folder.stat(&folder.state)?;
    let Some(document) = folder.document()? else {
        return missing(folder, journal.is_some());
    };
    let journal = match journal {
        None => Leftover::None,
        Some((text, writing)) => match parse_journal(&text) {
            Ok(None) => Leftover::Spent,
            Ok(Some(journal)) => leftover(folder, &document, journal, writing)?,
            Err(error) => return Err(StateError::parse(&folder.journal, error, fix_journal)),
        },
    };
    let Document { version, recorded, folded: _, fingerprint } = document;
    let (fingerprint, version) = (Some(fingerprint), Some(version));
    Ok(Loaded { recorded, fingerprint, stat, version, journal })
}

/// Whether a state was there.
pub(super) fn found(fingerprint: Option<Fingerprint>) -> Found {
    if fingerprint.is_some() { Found::Existing } else { Found::New }
}

fn missing(folder: &Folder, journal: bool) -> Result<Loaded, StateError> {
    let copy = folder.copies()?.into_iter().next_back().map(|(_, path)| path);
    if let Some(beside) = journal.then(|| folder.journal.clone()).or(copy) {
        let (location, beside) = (text(&folder.state), text(&beside));
        return Err(StateError::Missing { location, beside });
    }
    let (recorded, journal) = (Recorded::default(), Leftover::None);
    Ok(Loaded { recorded, fingerprint: None, stat: None, version: None, journal })
}

fn leftover(
    folder: &Folder,
    document: &Document,
    journal: Journal,
    writing: Writing,
) -> Result<Leftover, StateError> {
    let Journal { id, lineage, serial, holder, entries } = journal;
    if document.folded == LastFold::Journal(id.clone()) {
        return Ok(Leftover::Spent);
    }
    let state = &document.recorded;
    if state.lineage.as_ref() != Some(&lineage) || state.serial != serial {
        let named = |lineage: &str, serial| format!("serial {serial} of lineage {lineage}");
        return Err(StateError::Foreign {
            location: text(&folder.state),
            journal: text(&folder.journal),
            builds_on: named(&lineage.0, serial),
            found: named(state.lineage.as_ref().map_or("none", |lineage| &lineage.0), state.serial),
        });
    }
    let mut overlay = Overlay::default();
    for entry in entries {
        overlay.add(entry);
    }
    let in_progress = holder.filter(|_| writing == Writing::Now);
    Ok(Leftover::Unfolded { id, overlay, in_progress })
}

/// Whether an error may come from reading while another run folds.
fn may_be_passing(folder: &Folder, error: &StateError) -> bool {
    match error {
        StateError::Missing { .. } | StateError::Foreign { .. } => true,
        StateError::Damaged { location, .. } => *location == text(&folder.journal),
        StateError::Locked { .. }
        | StateError::Newer { .. }
        | StateError::Changed { .. }
        | StateError::Rescued { .. }
        | StateError::Unsaved { .. }
        | StateError::Unrepaired { .. }
        | StateError::Checksum { .. }
        | StateError::Conflict { .. }
        | StateError::Unrepairable { .. }
        | StateError::LeaseLost { .. }
        | StateError::Unlocked { .. }
        | StateError::Outdated { .. }
        | StateError::Moved { .. }
        | StateError::Unusable { .. }
        | StateError::Io { .. }
        | StateError::Stopped { .. } => false,
    }
}

fn fix_journal(line: usize) -> String {
    format!(
        "Restore line {line} from a copy of the journal; without one, `roomctl state repair` keeps every \
         line that is intact"
    )
}
