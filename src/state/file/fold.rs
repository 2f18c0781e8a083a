//! Folds a journal into the state, so that a kill between any two steps loses nothing.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::model::{Lineage, Recorded};
use crate::state::StateError;
use crate::state::error::text;
use crate::state::format::{self, Fingerprint, Fingerprinter, Head, LastFold, VERSION};
use crate::state::overlay::Overlay;

use super::disk::Stat;
use super::folder::Folder;
use super::load::{Leftover, Loaded, load};

/// The state that a journal builds on, as it lies on the disk.
pub(super) struct Base {
    /// The record.
    pub(super) recorded: Arc<Recorded>,
    /// Shows whether the file is still the one that was read; `None` if there is no file yet.
    pub(super) fingerprint: Option<Fingerprint>,
    /// Shows the same without reading the file.
    pub(super) stat: Option<Stat>,
    /// The version of its format; `None` if there is no file yet.
    pub(super) version: Option<u64>,
    /// The number of rooms whose record came from an earlier run's journal; `None` if there was
    /// nothing to fold.
    pub(super) folded: Option<usize>,
}

/// The result of a fold.
pub(super) struct Saved {
    /// The serial of the state now.
    pub(super) serial: u64,
    /// Its file.
    pub(super) fingerprint: Option<Fingerprint>,
    /// The same, without reading it.
    pub(super) stat: Option<Stat>,
}

/// How many earlier states are kept beside the state.
const COPIES: usize = 3;

/// Checks the lock once more before the state is replaced.
pub(super) type Guard<'a> = &'a dyn Fn() -> Result<(), StateError>;

/// Reads the record under the lock, and folds what an earlier run left in its journal.
pub(super) fn recover(folder: &Folder, guard: Guard<'_>) -> Result<Base, StateError> {
    let loaded = load(folder);
    // Not before: a run that leaves its journal for a rescue file writes that one first.
    folder.check_rescues()?;
    let Loaded { recorded, fingerprint, stat, version, journal } = loaded?;
    if let Some(to) = recorded.moved_to {
        return Err(StateError::Moved { to });
    }
    let recorded = Arc::new(recorded);
    let mut base = Base { recorded, fingerprint, stat, version, folded: None };
    match journal {
        Leftover::None => {}
        Leftover::Spent => remove_journal(folder)?,
        Leftover::Unfolded { id, overlay, in_progress: _ } => {
            let Saved { serial, fingerprint, stat } = fold(folder, &base, &overlay, &id, guard)?;
            base.folded =
                (serial > base.recorded.serial).then(|| overlay.changed_rooms(&base.recorded));
            (base.fingerprint, base.stat) = (fingerprint, stat);
            let recorded = Arc::make_mut(&mut base.recorded);
            overlay.apply(recorded);
            recorded.serial = serial;
        }
    }
    Ok(base)
}

/// Writes an empty state of this lineage if there is none: from then on a missing one is noticed.
pub(super) fn begin_lineage(
    folder: &Folder,
    base: &mut Base,
    lineage: &Lineage,
) -> Result<(), StateError> {
    if base.recorded.lineage.is_some() {
        return Ok(());
    }
    folder.check_unchanged(base.fingerprint)?;
    let first = Recorded { lineage: Some(lineage.clone()), ..Recorded::default() };
    let (providers, plans) = (BTreeMap::new(), Vec::new());
    let last = LastFold::Nothing;
    let head = Head { lineage, serial: 0, folded: last, providers, plans, moved_to: None };
    let (fingerprint, stat) = write_next(folder, head, &first, &Overlay::default())?;
    folder.replace(&folder.next, &folder.state)?;
    *base = Base {
        recorded: Arc::new(first),
        fingerprint: Some(fingerprint),
        stat: Some(stat),
        version: Some(VERSION),
        folded: None,
    };
    Ok(())
}

/// Folds the journal `id` into the state, removes it, and returns the serial of the state then.
/// Writes no state if nothing differs, but for one of an older format.
pub(super) fn fold(
    folder: &Folder,
    base: &Base,
    overlay: &Overlay,
    id: &str,
    guard: Guard<'_>,
) -> Result<Saved, StateError> {
    guard()?;
    folder.check_unchanged(base.fingerprint)?;
    let differs = base.version != Some(VERSION) || overlay.changes(&base.recorded);
    let saved = match &base.recorded.lineage {
        Some(lineage) if differs => save(folder, base, overlay, lineage, id, guard)?,
        Some(_) | None => {
            Saved { serial: base.recorded.serial, fingerprint: base.fingerprint, stat: base.stat }
        }
    };
    remove_journal(folder)?;
    Ok(saved)
}

/// Writes a whole record in place of the state and the journal `journal_id`.
pub(super) fn replace(
    folder: &Folder,
    base: &Base,
    recorded: Recorded,
    journal_id: Option<String>,
    guard: Guard<'_>,
) -> Result<Base, StateError> {
    let Some(lineage) = &recorded.lineage else {
        let why = "the record that was to be written has no lineage".to_owned();
        return Err(StateError::Unusable { location: text(&folder.state), why });
    };
    guard()?;
    folder.check_unchanged(base.fingerprint)?;
    let last = journal_id.map_or(LastFold::Nothing, LastFold::Journal);
    let (providers, plans) = (recorded.providers.clone(), recorded.plans.clone());
    let (serial, moved_to) = (recorded.serial, recorded.moved_to.as_deref());
    let head = Head { lineage, serial, folded: last, providers, plans, moved_to };
    let (fingerprint, stat) = write_next(folder, head, &recorded, &Overlay::default())?;
    guard()?;
    if base.fingerprint.is_some() {
        keep_copy(folder, base.recorded.serial)?;
    }
    folder.replace(&folder.next, &folder.state)?;
    drop_old_copies(folder, serial)?;
    Ok(Base {
        recorded: Arc::new(recorded),
        fingerprint: Some(fingerprint),
        stat: Some(stat),
        version: Some(VERSION),
        folded: base.folded,
    })
}

/// Writes the next state in full before anything of the old one is touched.
fn save(
    folder: &Folder,
    base: &Base,
    overlay: &Overlay,
    lineage: &Lineage,
    id: &str,
    guard: Guard<'_>,
) -> Result<Saved, StateError> {
    let (before, serial) = (base.recorded.serial, base.recorded.serial + 1);
    let providers = overlay.providers(&base.recorded);
    let plans = overlay.plans(&base.recorded);
    let last = LastFold::Journal(id.to_owned());
    let moved_to = base.recorded.moved_to.as_deref();
    let head = Head { lineage, serial, folded: last, providers, plans, moved_to };
    let (fingerprint, stat) = write_next(folder, head, &base.recorded, overlay)?;
    guard()?;
    keep_copy(folder, before)?;
    folder.replace(&folder.next, &folder.state)?;
    drop_old_copies(folder, serial)?;
    Ok(Saved { serial, fingerprint: Some(fingerprint), stat: Some(stat) })
}

/// Writes the next state beside the present one, durably.
pub(super) fn write_next(
    folder: &Folder,
    head: Head<'_>,
    base: &Recorded,
    overlay: &Overlay,
) -> Result<(Fingerprint, Stat), StateError> {
    let mut file = folder.create(&folder.next)?;
    let mut passing = Fingerprinter::default();
    let emit = |bytes: &[u8]| {
        passing.pass(bytes);
        file.write_all(bytes)
    };
    let written = format::write(head, overlay.rooms(base), emit).and_then(|()| file.sync());
    written.and_then(|()| file.stat()).map(|stat| (passing.finish(), stat)).map_err(|error| {
        // It may have filled the disk. Where it cannot be removed, the next run writes over it,
        // and the first error is the one to report.
        drop(folder.remove(&folder.next));
        StateError::io("write", &folder.next)(error)
    })
}

/// Keeps the state of `serial` under a name of its own, before it is replaced.
pub(super) fn keep_copy(folder: &Folder, serial: u64) -> Result<(), StateError> {
    let copy = folder.copy(serial);
    folder.remove_if_there(&copy)?;
    keep_as(folder, &folder.state, &copy)
}

/// Keeps a file under another name too, which no file has yet.
pub(super) fn keep_as(folder: &Folder, file: &Path, copy: &Path) -> Result<(), StateError> {
    if folder.link(file, copy).is_err() {
        copy_file(folder, file, copy)?;
    }
    folder.sync()
}

/// Copies a file where the file system has no links.
fn copy_file(folder: &Folder, file: &Path, copy: &Path) -> Result<(), StateError> {
    let failed = |error| StateError::io("write", copy)(error);
    let mut reader = folder.open_there(file)?;
    let mut file = folder.create(&folder.half_copy)?;
    io::copy(&mut reader, &mut file).and_then(|_| file.sync()).map_err(failed)?;
    folder.replace(&folder.half_copy, copy)
}

/// Removes all copies but the newest; those of later serials are of another line of states, and
/// not ours to remove.
pub(super) fn drop_old_copies(folder: &Folder, serial: u64) -> Result<(), StateError> {
    let mut earlier = folder.copies()?;
    earlier.retain(|(of, _)| *of < serial);
    let old = earlier.len().saturating_sub(COPIES);
    earlier[..old].iter().try_for_each(|(_, path)| folder.remove(path))
}

pub(super) fn remove_journal(folder: &Folder) -> Result<(), StateError> {
    folder.remove_if_there(&folder.journal)?;
    folder.sync()
}
