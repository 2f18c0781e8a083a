//! Folds a journal into the state, so that a kill between any two steps loses nothing.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::model::{Lineage, Recorded};
use crate::state::format::{self, Fingerprint, Fingerprinter, Head};
use crate::state::overlay::Overlay;
use crate::state::{StateError, uuid};

use super::folder::Folder;
use super::load::{Leftover, Loaded, load};

/// The state that a journal builds on, as it lies on the disk.
pub(super) struct Base {
    /// The record.
    pub(super) recorded: Arc<Recorded>,
    /// Tells whether the file is still the one that was read; none where there is no file yet.
    pub(super) fingerprint: Option<Fingerprint>,
    /// The number of rooms whose record came from an earlier run's journal; `None` if there was
    /// nothing to fold.
    pub(super) folded: Option<usize>,
}

/// What a fold comes to.
pub(super) struct Saved {
    /// The serial of the state now.
    pub(super) serial: u64,
    /// Its file.
    pub(super) fingerprint: Option<Fingerprint>,
}

/// How many earlier states are kept beside the state.
const COPIES: usize = 3;

/// Reads the record under the lock, and folds what an earlier run left in its journal.
pub(super) fn recover(folder: &Folder) -> Result<Base, StateError> {
    let Loaded { recorded, fingerprint, journal } = load(folder)?;
    let mut base = Base { recorded: Arc::new(recorded), fingerprint, folded: None };
    match journal {
        Leftover::None => {}
        Leftover::Spent => remove_journal(folder)?,
        Leftover::Unfolded { id, overlay } => {
            let Saved { serial, fingerprint } = fold(folder, &base, &overlay, &id)?;
            base.folded =
                (serial > base.recorded.serial).then(|| overlay.changed_rooms(&base.recorded));
            base.fingerprint = fingerprint;
            let recorded = Arc::make_mut(&mut base.recorded);
            overlay.apply(recorded);
            recorded.serial = serial;
        }
    }
    Ok(base)
}

/// Writes an empty state where there is none: from then on a missing one shows.
pub(super) fn begin_lineage(folder: &Folder, base: &mut Base) -> Result<Lineage, StateError> {
    if let Some(lineage) = &base.recorded.lineage {
        return Ok(lineage.clone());
    }
    folder.check_unchanged(base.fingerprint)?;
    let lineage = Lineage(uuid::random().map_err(StateError::io("begin", &folder.state))?);
    let first = Recorded { lineage: Some(lineage.clone()), ..Recorded::default() };
    let (providers, plans) = (BTreeMap::new(), Vec::new());
    let head = Head { lineage: &lineage, serial: 0, folded: None, providers, plans };
    let fingerprint = write_next(folder, head, &first, &Overlay::default())?;
    folder.replace(&folder.next, &folder.state)?;
    *base = Base { recorded: Arc::new(first), fingerprint: Some(fingerprint), folded: None };
    Ok(lineage)
}

/// Folds the journal `id` into the state, removes it, and gives the serial of the state then.
/// Writes no state where nothing differs.
pub(super) fn fold(
    folder: &Folder,
    base: &Base,
    overlay: &Overlay,
    id: &str,
) -> Result<Saved, StateError> {
    folder.check_unchanged(base.fingerprint)?;
    let saved = match &base.recorded.lineage {
        Some(lineage) if overlay.changes(&base.recorded) => {
            save(folder, base, overlay, lineage, id)?
        }
        Some(_) | None => Saved { serial: base.recorded.serial, fingerprint: base.fingerprint },
    };
    remove_journal(folder)?;
    Ok(saved)
}

/// Writes the next state in full before anything of the old one is touched.
fn save(
    folder: &Folder,
    base: &Base,
    overlay: &Overlay,
    lineage: &Lineage,
    id: &str,
) -> Result<Saved, StateError> {
    let (before, serial) = (base.recorded.serial, base.recorded.serial + 1);
    let providers = overlay.providers(&base.recorded);
    let plans = base.recorded.plans.clone();
    let head = Head { lineage, serial, folded: Some(id), providers, plans };
    let fingerprint = write_next(folder, head, &base.recorded, overlay)?;
    keep_copy(folder, before)?;
    folder.replace(&folder.next, &folder.state)?;
    drop_old_copies(folder, serial)?;
    Ok(Saved { serial, fingerprint: Some(fingerprint) })
}

fn write_next(
    folder: &Folder,
    head: Head<'_>,
    base: &Recorded,
    overlay: &Overlay,
) -> Result<Fingerprint, StateError> {
    let mut file = folder.create(&folder.next)?;
    let mut passing = Fingerprinter::default();
    let emit = |bytes: &[u8]| {
        passing.pass(bytes);
        file.write_all(bytes)
    };
    let written = format::write(head, overlay.rooms(base), emit).and_then(|()| file.sync());
    if let Err(error) = written {
        // It may have filled the disk. Where it cannot be removed, the next run writes over it,
        // and the first error is the one to tell.
        drop(folder.remove(&folder.next));
        return Err(StateError::io("write", &folder.next)(error));
    }
    Ok(passing.finish())
}

/// Keeps the state of `serial` under a name of its own, before it is replaced.
fn keep_copy(folder: &Folder, serial: u64) -> Result<(), StateError> {
    let copy = folder.copy(serial);
    folder.remove_if_there(&copy)?;
    if folder.link_state(&copy).is_err() {
        copy_state(folder, &copy)?;
    }
    folder.sync()
}

/// Copies the state where the file system has no links.
fn copy_state(folder: &Folder, copy: &Path) -> Result<(), StateError> {
    let failed = |error| StateError::io("write", copy)(error);
    let mut reader = folder.open_state()?;
    let mut file = folder.create(&folder.half_copy)?;
    io::copy(&mut reader, &mut file).and_then(|_| file.sync()).map_err(failed)?;
    folder.replace(&folder.half_copy, copy)
}

/// Removes all copies but the newest; those of later serials are of another line of states, and
/// not ours to remove.
fn drop_old_copies(folder: &Folder, serial: u64) -> Result<(), StateError> {
    let mut earlier = folder.copies()?;
    earlier.retain(|(of, _)| *of < serial);
    let old = earlier.len().saturating_sub(COPIES);
    earlier[..old].iter().try_for_each(|(_, path)| folder.remove(path))
}

fn remove_journal(folder: &Folder) -> Result<(), StateError> {
    folder.remove_if_there(&folder.journal)?;
    folder.sync()
}
