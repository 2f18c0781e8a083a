//! Repairs a state: reads what is there as far as it can be read, and writes the result.

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

/// What a repair would write. Holds the lock; dropped, it releases the lock and nothing is written.
pub(super) struct FileRepair {
    folder: Folder,
    lock: LockFile,
    plan: RepairPlan,
    /// The state as it would be, its serial included.
    after: Recorded,
    /// The journal that is in it then.
    journal_id: Option<String>,
    /// Shows whether the state's file is still the one that was read.
    fingerprint: Option<Fingerprint>,
    /// What is done with what was there.
    before: Before,
}

/// What is done with what was there.
struct Before {
    /// The state; `None` if there is none.
    state: Option<KeptAs>,
    /// Whether the journal is kept too, since it could not be read in full.
    journal: Option<KeptAs>,
    /// The rescue files that are merged.
    rescues: Vec<PathBuf>,
}

/// How a file is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum KeptAs {
    /// As the copy of its serial.
    Copy(u64),
    /// As something that was damaged.
    Damaged,
}

impl From<FileRepair> for Repair {
    fn from(repair: FileRepair) -> Self {
        Self { plan: repair.plan.clone(), replaced: Replaced::KeptBeside, write: repair.write() }
    }
}

impl FileRepair {
    /// Finds out what there is and what would become of it; `None` if there is nothing to repair.
    pub(super) fn find(folder: Folder, lock: LockFile) -> Result<Option<Self>, StateError> {
        let evidence = Evidence::gather(&folder)?;
        if !evidence.is_needed() {
            lock.restore()?;
            return Ok(None);
        }
        let fingerprint = evidence.fingerprint;
        let before = before(&evidence);
        let journal_id = evidence.journal_id();
        let (plan, after) = outcome(&folder, evidence)?;
        Ok(Some(Self { folder, lock, plan, after, journal_id, fingerprint, before }))
    }

    /// Writes it. What was there is kept beside it; rescue files that are merged are removed once
    /// it is durable.
    fn write(self) -> Access<'static, Folded> {
        let state = self.folder.state.clone();
        Box::pin(async move { blocking(&state, move || self.carry_out()).await })
    }

    fn carry_out(self) -> Result<Folded, StateError> {
        let Self { folder, lock, plan: _, after, journal_id, fingerprint, before } = self;
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
        let Before { state, journal, rescues } = before;
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

/// Keeps a file that was damaged beside what comes in its place.
fn keep_damaged(folder: &Folder, file: &std::path::Path, serial: u64) -> Result<(), StateError> {
    let copy = folder.damaged(file, serial)?;
    keep_as(folder, file, &copy)
}

fn before(evidence: &Evidence) -> Before {
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
    Before { state, journal, rescues }
}

/// Merges everything, and compares it with what is known to have been sound.
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

/// What something that is not sound is compared with: the newest copy, or else nothing but itself.
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

/// A serial that no state of the same line has had.
fn next_serial(start: &Recorded, copies: &[(PathBuf, Recorded)], records: &[Record]) -> u64 {
    let serials = copies.iter().map(|(_, copy)| copy.serial);
    let serials = serials.chain(records.iter().filter_map(|record| record.serial));
    serials.fold(start.serial, u64::max) + 1
}

/// Adds what a copy has and `to` lacks.
fn add_missing(
    to: &mut Recorded,
    path: &std::path::Path,
    copy: &Recorded,
    found: &mut Vec<String>,
) {
    if to.lineage.is_none() {
        to.lineage.clone_from(&copy.lineage);
        to.plans.clone_from(&copy.plans);
        // The state that is lost came after the copy.
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

/// How far a journal or a rescue file can be believed.
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
