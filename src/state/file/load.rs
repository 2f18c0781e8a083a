//! Reads the journal first, then the state, and merges them in memory. Writes nothing.

use crate::model::{Holder, Recorded};
use crate::state::error::text;
use crate::state::format::{Document, Fingerprint, LastFold};
use crate::state::journal::{Journal, parse_journal};
use crate::state::overlay::Overlay;
use crate::state::{Found, StateError};

use super::disk::Stat;
use super::folder::{Folder, WriterStatus};

/// The content of the folder.
pub(super) struct Loaded {
    /// The state, without its journal.
    pub(super) recorded: Recorded,
    /// The fingerprint of the state's file; `None` if there is none.
    pub(super) fingerprint: Option<Fingerprint>,
    /// The file's identity, which is compared without reading the file.
    pub(super) stat: Option<Stat>,
    /// The version of its format; `None` if there is no file.
    pub(super) version: Option<u64>,
    /// The journal beside it.
    pub(super) journal: Leftover,
}

/// A journal that an earlier run left, or that a run in progress is writing.
pub(super) enum Leftover {
    /// There is none.
    None,
    /// There is one, and the state contains all of it.
    Folded,
    /// There is one that the state does not contain.
    Unfolded {
        /// The id of the journal.
        id: String,
        /// Its changes.
        overlay: Overlay,
        /// The run that writes it, if it is in progress.
        in_progress: Option<Holder>,
    },
}

/// The record as a reader sees it.
pub(super) struct Read {
    /// The record, its journal included.
    pub(super) recorded: Recorded,
    /// Whether a state existed.
    pub(super) found: Found,
    /// The run that writes its journal, if it is in progress.
    pub(super) in_progress: Option<Holder>,
}

/// How often inconsistent files are read again: another run may have folded between the reads.
const ATTEMPTS: usize = 5;

/// Reads the record without the lock: another run may write meanwhile.
pub(super) fn read(folder: &Folder) -> Result<Read, StateError> {
    let mut loaded = load(folder);
    for _ in 1..ATTEMPTS {
        if !loaded.as_ref().is_err_and(|error| may_be_transient(folder, error)) {
            break;
        }
        loaded = load(folder);
    }
    // Checked after loading: a run that replaces its journal by a rescue file writes the rescue
    // file first.
    folder.check_rescues()?;
    let Loaded { mut recorded, fingerprint, stat: _, version: _, journal } = loaded?;
    let in_progress = match journal {
        Leftover::None | Leftover::Folded => None,
        Leftover::Unfolded { id: _, overlay, in_progress } => {
            overlay.apply(&mut recorded);
            in_progress
        }
    };
    Ok(Read { recorded, found: found(fingerprint), in_progress })
}

/// Reads the content of the folder.
pub(super) fn load(folder: &Folder) -> Result<Loaded, StateError> {
    let journal = folder.text(&folder.journal)?;
    // Taken before the state is read, so that a replacement during the read is detected.
    let stat = folder.stat(&folder.state)?;
    let Some(document) = folder.document()? else {
        return missing(folder, journal.is_some());
    };
    let journal = match journal {
        None => Leftover::None,
        Some((text, status)) => match parse_journal(&text) {
            Ok(None) => Leftover::Folded,
            Ok(Some(journal)) => leftover(folder, &document, journal, status)?,
            Err(error) => return Err(StateError::parse(&folder.journal, error, fix_journal)),
        },
    };
    let Document { version, recorded, folded: _, fingerprint } = document;
    let (fingerprint, version) = (Some(fingerprint), Some(version));
    Ok(Loaded { recorded, fingerprint, stat, version, journal })
}

/// Returns whether a state existed.
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
    status: WriterStatus,
) -> Result<Leftover, StateError> {
    let Journal { id, lineage, serial, holder, entries } = journal;
    if document.folded == LastFold::Journal(id.clone()) {
        return Ok(Leftover::Folded);
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
    let in_progress = holder.filter(|_| status == WriterStatus::Running);
    Ok(Leftover::Unfolded { id, overlay, in_progress })
}

/// Returns whether another run's fold between the reads may have caused an error.
fn may_be_transient(folder: &Folder, error: &StateError) -> bool {
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
