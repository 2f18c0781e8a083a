//! Folds a journal into the state. A crash between any two steps loses nothing.

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

/// The state that a journal builds on, as it is on disk.
pub(super) struct Base {
    /// The record.
    pub(super) recorded: Arc<Recorded>,
    /// The fingerprint of the file's content; `None` if there is no file yet.
    pub(super) fingerprint: Option<Fingerprint>,
    /// The file's identity, which is compared without reading the file.
    pub(super) stat: Option<Stat>,
    /// The version of its format; `None` if there is no file yet.
    pub(super) version: Option<u64>,
    /// The number of rooms whose records came from an earlier run's journal; `None` if nothing was
    /// folded.
    pub(super) folded: Option<usize>,
}

/// The result of a fold.
pub(super) struct Saved {
    /// The serial of the state after the fold.
    pub(super) serial: u64,
    /// The fingerprint of its file.
    pub(super) fingerprint: Option<Fingerprint>,
    /// The identity of its file.
    pub(super) stat: Option<Stat>,
}

/// How many earlier states are kept beside the state.
const COPIES: usize = 3;

/// The check of the lock before the state is replaced.
pub(super) type Guard<'a> = &'a dyn Fn() -> Result<(), StateError>;

/// Reads the record under the lock, and folds what an earlier run left in its journal.
pub(super) fn recover(folder: &Folder, guard: Guard<'_>) -> Result<Base, StateError> {
    let loaded = load(folder);
    // Checked after loading: a run that replaces its journal by a rescue file writes the rescue
    // file first.
    folder.check_rescues()?;
    let Loaded { recorded, fingerprint, stat, version, journal } = loaded?;
    if let Some(to) = recorded.moved_to {
        return Err(StateError::Moved { to });
    }
    let recorded = Arc::new(recorded);
    let mut base = Base { recorded, fingerprint, stat, version, folded: None };
    match journal {
        Leftover::None => {}
        Leftover::Folded => remove_journal(folder)?,
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

/// Writes an empty state with this lineage if there is none, so that a missing state is detected
/// from then on.
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

/// Folds the journal `id` into the state, and removes the journal. Does not write the state if
/// nothing differs, unless its format is older.
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

/// Replaces the state, and the journal `journal_id`, by a whole record.
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

/// Writes the next state completely before it changes the current one.
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

/// Writes the next state beside the current one, durably.
pub(super) fn write_next(
    folder: &Folder,
    head: Head<'_>,
    base: &Recorded,
    overlay: &Overlay,
) -> Result<(Fingerprint, Stat), StateError> {
    let mut file = folder.create(&folder.next)?;
    let mut fingerprinter = Fingerprinter::default();
    let emit = |bytes: &[u8]| {
        fingerprinter.update(bytes);
        file.write_all(bytes)
    };
    let written = format::write(head, overlay.rooms(base), emit).and_then(|()| file.sync());
    written.and_then(|()| file.stat()).map(|stat| (fingerprinter.finish(), stat)).map_err(|error| {
        // It may have filled the disk. If it cannot be removed, the next run overwrites it, and the
        // first error is the one to report.
        drop(folder.remove(&folder.next));
        StateError::io("write", &folder.next)(error)
    })
}

/// Keeps a copy of the state with `serial` before it is replaced.
pub(super) fn keep_copy(folder: &Folder, serial: u64) -> Result<(), StateError> {
    let copy = folder.copy(serial);
    folder.remove_if_there(&copy)?;
    keep_as(folder, &folder.state, &copy)
}

/// Keeps a file under a second, unused name.
pub(super) fn keep_as(folder: &Folder, file: &Path, copy: &Path) -> Result<(), StateError> {
    if folder.link(file, copy).is_err() {
        copy_file(folder, file, copy)?;
    }
    folder.sync()
}

/// Copies a file, for file systems without hard links.
fn copy_file(folder: &Folder, file: &Path, copy: &Path) -> Result<(), StateError> {
    let failed = |error| StateError::io("write", copy)(error);
    let mut reader = folder.open_existing(file)?;
    let mut file = folder.create(&folder.partial_copy)?;
    io::copy(&mut reader, &mut file).and_then(|_| file.sync()).map_err(failed)?;
    folder.replace(&folder.partial_copy, copy)
}

/// Removes all but the newest [`COPIES`] copies from before `serial`. Copies with later serials stay:
/// they are from before an older state was restored.
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
