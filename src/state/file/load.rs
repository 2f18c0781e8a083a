//! Reads the journal first, then the state, and puts them together in memory. Writes nothing.

use crate::model::Recorded;
use crate::state::format::{Document, Fingerprint};
use crate::state::journal::{Journal, parse_journal};
use crate::state::overlay::Overlay;
use crate::state::{Found, StateError};

use super::folder::Folder;

/// What lies in the folder.
pub(super) struct Loaded {
    /// The state, without its journal.
    pub(super) recorded: Recorded,
    /// Tells whether the state's file is still the one that was read; none where there is none.
    pub(super) fingerprint: Option<Fingerprint>,
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
    },
}

/// How often files that do not fit together are read again: somebody may have folded in between.
const ATTEMPTS: usize = 5;

/// Reads the record without the lock: another run may write meanwhile.
pub(super) fn read(folder: &Folder) -> Result<(Recorded, Found), StateError> {
    let mut loaded = load(folder);
    for _ in 1..ATTEMPTS {
        if !loaded.as_ref().is_err_and(|error| may_be_passing(folder, error)) {
            break;
        }
        loaded = load(folder);
    }
    let Loaded { mut recorded, fingerprint, journal } = loaded?;
    match journal {
        Leftover::None | Leftover::Spent => {}
        Leftover::Unfolded { id: _, overlay } => overlay.apply(&mut recorded),
    }
    Ok((recorded, found(fingerprint)))
}

/// Reads what lies in the folder.
pub(super) fn load(folder: &Folder) -> Result<Loaded, StateError> {
    let text = folder.journal_text()?;
    let Some(document) = folder.document()? else {
        return missing(folder, text.is_some());
    };
    let journal = match text {
        None => Leftover::None,
        Some(text) => match parse_journal(&text) {
            Ok(None) => Leftover::Spent,
            Ok(Some(journal)) => leftover(folder, &document, journal)?,
            Err(error) => return Err(StateError::parse(&folder.journal, error, mend_journal)),
        },
    };
    let Document { recorded, folded: _, fingerprint } = document;
    Ok(Loaded { recorded, fingerprint: Some(fingerprint), journal })
}

/// Whether a state was there.
pub(super) fn found(fingerprint: Option<Fingerprint>) -> Found {
    if fingerprint.is_some() { Found::Existing } else { Found::New }
}

fn missing(folder: &Folder, journal: bool) -> Result<Loaded, StateError> {
    let copy = folder.copies()?.into_iter().next_back().map(|(_, path)| path);
    match journal.then(|| folder.journal.clone()).or(copy) {
        Some(beside) => Err(StateError::Missing { file: folder.state.clone(), beside }),
        None => {
            Ok(Loaded { recorded: Recorded::default(), fingerprint: None, journal: Leftover::None })
        }
    }
}

fn leftover(
    folder: &Folder,
    document: &Document,
    journal: Journal,
) -> Result<Leftover, StateError> {
    let Journal { id, lineage, serial, entries } = journal;
    if document.folded.as_ref() == Some(&id) {
        return Ok(Leftover::Spent);
    }
    let state = &document.recorded;
    if state.lineage.as_ref() != Some(&lineage) || state.serial != serial {
        let named = |lineage: &str, serial| format!("serial {serial} of lineage {lineage}");
        return Err(StateError::Foreign {
            file: folder.state.clone(),
            journal: folder.journal.clone(),
            builds_on: named(&lineage.0, serial),
            found: named(state.lineage.as_ref().map_or("none", |lineage| &lineage.0), state.serial),
        });
    }
    let mut overlay = Overlay::default();
    for entry in entries {
        overlay.add(entry);
    }
    Ok(Leftover::Unfolded { id, overlay })
}

/// Whether an error may come from reading while another run folds.
fn may_be_passing(folder: &Folder, error: &StateError) -> bool {
    match error {
        StateError::Missing { .. } | StateError::Foreign { .. } => true,
        StateError::Damaged { file, .. } => *file == folder.journal,
        StateError::Locked { .. }
        | StateError::Newer { .. }
        | StateError::Changed { .. }
        | StateError::Io { .. }
        | StateError::Stopped { .. } => false,
    }
}

fn mend_journal(line: usize) -> String {
    format!(
        "Mend line {line} from a copy of the journal. Without one, keep this file elsewhere, take \
         the line and all after it out, and look every room up that they name (`roomctl import`)"
    )
}
