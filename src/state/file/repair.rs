//! Repairs a state: reads everything that is readable, and writes the merged result.

mod evidence;

use std::path::PathBuf;

use crate::model::{Recorded, RepairPlan};
use crate::state::error::text;
use crate::state::format::{Fingerprint, Head, LastFold};
use crate::state::merge::{OtherApplication, Trust, merge};
use crate::state::overlay::Overlay;
use crate::state::repair::{Repair, Replaced};
use crate::state::{Access, Folded, StateError};

use super::blocking;
use super::fold::{drop_old_copies, keep_as, keep_copy, remove_journal, write_next};
use super::folder::Folder;
use super::lock_file::LockFile;

use evidence::{Condition, Evidence, Record, State};

/// What a repair would write. Holds the lock. If it is dropped, the lock is released and nothing is
/// written.
pub(super) struct FileRepair {
    folder: Folder,
    lock: LockFile,
    plan: RepairPlan,
    /// The repaired state, with its new serial.
    after: Recorded,
    /// The id of the journal that the repaired state contains.
    journal_id: Option<String>,
    /// The fingerprint of the state's file that was read.
    fingerprint: Option<Fingerprint>,
    /// How the replaced files are kept.
    replaced_files: ReplacedFiles,
}

/// How the replaced files are kept.
struct ReplacedFiles {
    /// How the state is kept; `None` if it is missing.
    state: Option<KeptAs>,
    /// How the journal is kept, if it could not be read completely.
    journal: Option<KeptAs>,
    /// The rescue files that are merged.
    rescues: Vec<PathBuf>,
}

/// How a file is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum KeptAs {
    /// As the backup copy of its serial.
    Copy(u64),
    /// As a damaged file.
    Damaged,
}

impl From<FileRepair> for Repair {
    fn from(repair: FileRepair) -> Self {
        Self { plan: repair.plan.clone(), replaced: Replaced::KeptBeside, write: repair.write() }
    }
}

impl FileRepair {
    /// Reads the files and computes the repair; `None` if there is nothing to repair.
    pub(super) fn compute(folder: Folder, lock: LockFile) -> Result<Option<Self>, StateError> {
        let evidence = Evidence::gather(&folder)?;
        if !evidence.is_needed() {
            lock.restore()?;
            return Ok(None);
        }
        let fingerprint = evidence.fingerprint;
        let replaced_files = replaced_files(&evidence);
        let journal_id = evidence.journal_id();
        let (plan, after) = outcome(&folder, evidence)?;
        Ok(Some(Self { folder, lock, plan, after, journal_id, fingerprint, replaced_files }))
    }

    /// Writes the repaired state. The replaced files are kept beside it. Merged rescue files are
    /// removed once the state is durable.
    fn write(self) -> Access<'static, Folded> {
        let state = self.folder.state.clone();
        Box::pin(async move { blocking(&state, move || self.carry_out()).await })
    }

    fn carry_out(self) -> Result<Folded, StateError> {
        let Self { folder, lock, plan: _, after, journal_id, fingerprint, replaced_files } = self;
        let serial = after.serial;
        let Some(lineage) = &after.lineage else {
            return Err(StateError::Stopped { location: text(&folder.state) });
        };
        let (providers, plans) = (after.providers.clone(), after.plans.clone());
        let folded = journal_id.clone().map_or(LastFold::Nothing, LastFold::Journal);
        let moved_to = after.moved_to.as_deref();
        let head = Head { lineage, serial, folded, providers, plans, moved_to };
        write_next(&folder, head, &after, &Overlay::default())?;
        lock.check()?;
        folder.check_unchanged(fingerprint)?;
        let ReplacedFiles { state, journal, rescues } = replaced_files;
        match state {
            Some(KeptAs::Copy(serial)) => keep_copy(&folder, serial)?,
            Some(KeptAs::Damaged) => keep_damaged(&folder, &folder.state, serial)?,
            None => {}
        }
        if journal.is_some() {
            keep_damaged(&folder, &folder.journal, serial)?;
        }
        folder.replace(&folder.next, &folder.state)?;
        remove_journal(&folder)?;
        rescues.iter().try_for_each(|rescue| folder.remove(rescue))?;
        drop_old_copies(&folder, serial)?;
        lock.restore()?;
        Ok(Folded { serial })
    }
}

/// Keeps a damaged file beside its replacement.
fn keep_damaged(folder: &Folder, file: &std::path::Path, serial: u64) -> Result<(), StateError> {
    let copy = folder.damaged(file, serial)?;
    keep_as(folder, file, &copy)
}

fn replaced_files(evidence: &Evidence) -> ReplacedFiles {
    let state = match &evidence.state {
        State::Missing => None,
        State::There { condition: Condition::Sound, recorded } => {
            Some(KeptAs::Copy(recorded.serial))
        }
        State::There { condition: Condition::Unsound { .. }, .. } => Some(KeptAs::Damaged),
    };
    let records = &evidence.records;
    let damaged = |record: &&Record| record.rescue.is_none() && !record.is_exact;
    let journal = records.iter().find(damaged).map(|_| KeptAs::Damaged);
    let rescues = records.iter().filter_map(|record| record.rescue.clone()).collect();
    ReplacedFiles { state, journal, rescues }
}

/// Merges all files, and compares the result with the newest sound state.
fn outcome(folder: &Folder, evidence: Evidence) -> Result<(RepairPlan, Recorded), StateError> {
    let Evidence { state, mut found, copies, records, fingerprint: _ } = evidence;
    let newest = copies.first();
    let (start, compared_with, compared) = match state {
        State::There { condition: Condition::Sound, recorded } => {
            let name = format!("{}, serial {}", folder.state.display(), recorded.serial);
            (recorded.clone(), name, recorded)
        }
        State::There { condition: Condition::Unsound { lacks_rooms }, mut recorded } => {
            if lacks_rooms && let Some((path, copy)) = newest {
                add_missing(&mut recorded, path, copy, &mut found);
            }
            compare(recorded, newest)
        }
        State::Missing => {
            let mut start = Recorded::default();
            if let Some((path, copy)) = newest {
                add_missing(&mut start, path, copy, &mut found);
            }
            compare(start, newest)
        }
    };
    if let Some(to) = &start.moved_to {
        found.push(format!(
            "its record was moved to {to}: a room that is added here is not known there until `roomctl \
             import` records it"
        ));
    }
    let mut after = start.clone();
    after.serial = next_serial(&start, &copies, &records);
    for record in records {
        after.lineage = after.lineage.or_else(|| record.lineage.clone());
        let trust = trust(&record, &start, &copies);
        merge(&mut after, record.changes, trust).map_err(|OtherApplication(name)| {
            let why = format!(
                "{} and the state have different applications as provider `{name}`; move that file \
                 away to go on without it",
                record.path.display()
            );
            StateError::Unrepairable { location: text(&folder.state), why }
        })?;
    }
    if after.lineage.is_none() {
        let why =
            "neither the state, nor a copy, nor a journal contains the lineage; restore one from \
                   version control"
                .to_owned();
        return Err(StateError::Unrepairable { location: text(&folder.state), why });
    }
    Ok((RepairPlan::between(found, compared_with, &compared, &after), after))
}

/// Returns what an unsound state is compared with, with its name: the newest copy, or the state
/// itself if there is none.
fn compare(start: Recorded, newest: Option<&(PathBuf, Recorded)>) -> (Recorded, String, Recorded) {
    match newest {
        Some((path, copy)) => {
            let name = format!("the newest copy, {}, serial {}", path.display(), copy.serial);
            (start, name, copy.clone())
        }
        None => {
            (start.clone(), "what could be read of it, because there is no copy".to_owned(), start)
        }
    }
}

/// Returns a serial that no state of this lineage has had.
fn next_serial(start: &Recorded, copies: &[(PathBuf, Recorded)], records: &[Record]) -> u64 {
    let serials = copies.iter().map(|(_, copy)| copy.serial);
    let serials = serials.chain(records.iter().filter_map(|record| record.serial));
    serials.fold(start.serial, u64::max) + 1
}

/// Adds the providers and rooms of a copy that `to` lacks.
fn add_missing(
    to: &mut Recorded,
    path: &std::path::Path,
    copy: &Recorded,
    found: &mut Vec<String>,
) {
    if to.lineage.is_none() {
        to.lineage.clone_from(&copy.lineage);
        to.plans.clone_from(&copy.plans);
        // The lost state was newer than the copy.
        to.serial = copy.serial + 1;
    }
    for (name, identity) in &copy.providers {
        to.providers.entry(name.clone()).or_insert_with(|| identity.clone());
    }
    let before = to.rooms.len();
    for (address, record) in &copy.rooms {
        to.rooms.entry(address.clone()).or_insert_with(|| record.clone());
    }
    let added = to.rooms.len() - before;
    let noun = if added == 1 { "room is" } else { "rooms are" };
    found.push(format!(
        "{added} {noun} restored from {}, the newest copy, of serial {}: rooms that were recorded later, \
         and are in no line here, are lost; `roomctl import --all-declared` looks up every declared room",
        path.display(),
        copy.serial
    ));
}

/// Returns how far a journal or a rescue file can be trusted.
fn trust<'a>(record: &Record, start: &'a Recorded, copies: &'a [(PathBuf, Recorded)]) -> Trust<'a> {
    if record.lineage.is_some() && start.lineage.is_some() && record.lineage != start.lineage {
        return Trust::Foreign;
    }
    let of_serial = |it: &&Recorded| Some(it.serial) == record.serial;
    let mut known = std::iter::once(start).chain(copies.iter().map(|(_, copy)| copy));
    match known.find(of_serial) {
        Some(base) if record.is_whole => Trust::Whole(base),
        Some(_) | None => Trust::Partial,
    }
}
