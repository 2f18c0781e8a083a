//! Repairs a state whose objects are damaged, missing or inconsistent.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::model::{Holder, Lineage, Recorded, RepairPlan};
use crate::state::error::text;
use crate::state::format::{self, Document, LastFold, ParseError, Salvaged, StateWrite, salvage};
use crate::state::lease::{Released, locked};
use crate::state::merge::{OtherApplication, Trust, merge};
use crate::state::overlay::Overlay;
use crate::state::repair::{Repair, Replaced};
use crate::state::{Entry, Folded, LastCalls, Loss, StateError, journal};

use super::bucket::{Acknowledged, Bucket, Write, WriteError};
use super::document::{self, NextState, ReadState};
use super::head::{Head, Lines, ReadHead};
use super::lease;
use super::objects::{Condition, Name, Object};

/// The readable content of the state's object.
struct StateEvidence {
    recorded: Recorded,
    /// The write that created it, if it is complete and was written in an object store.
    write: Option<StateWrite>,
    condition: Condition,
    is_sound: bool,
}

/// The readable content of the head.
enum HeadEvidence {
    /// It is complete.
    Whole(Box<ReadHead>, Condition),
    /// It is damaged or missing; the entries whose lines are complete.
    Unreadable(Vec<Entry>, Condition),
}

/// Everything that the repair writes.
struct Next {
    recorded: Recorded,
    lineage: Lineage,
    epoch: u64,
    /// The number of the last entry that the record contains.
    up_to: u64,
    state: Condition,
    head: HeadEvidence,
    holder: Holder,
    lease: Duration,
}

/// How long each write is retried.
const PATIENCE: Duration = Duration::from_mins(1);

/// Reads the objects and computes the repair; `None` if there is nothing to repair.
///
/// # Errors
/// Returns [`StateError::Locked`] if another run holds the lease, and [`StateError::Unrepairable`]
/// if the objects cannot be repaired.
pub(super) async fn compute(
    bucket: Bucket,
    lease: Duration,
    holder: Holder,
    wait: Duration,
) -> Result<Option<Repair>, StateError> {
    let mut found = Vec::new();
    let head = free_head(&bucket, wait, &mut found).await?;
    let state = state(&bucket, &mut found).await?;
    if let HeadEvidence::Whole(read, _) = &head
        && is_consistent(&bucket, read, &state, &mut found)
    {
        return Ok(None);
    }
    if let (HeadEvidence::Unreadable(entries, Condition::Absent), Condition::Absent) =
        (&head, &state.condition)
        && entries.is_empty()
    {
        return Ok(None);
    }
    let next = merge_evidence(&bucket, head, &state, (holder, lease), &mut found)?;
    let compared = format!("what could be read of {}", bucket.location);
    let plan = RepairPlan::between(found, compared, &state.recorded, &next.recorded);
    let write = Box::pin(async move { next.write(&bucket).await });
    Ok(Some(Repair { plan, replaced: Replaced::InVersions, write }))
}

/// Reads the head once no run holds the lease. Waits at most `wait`.
async fn free_head(
    bucket: &Bucket,
    wait: Duration,
    found: &mut Vec<String>,
) -> Result<HeadEvidence, StateError> {
    let name = bucket.named(&Name::Head);
    let started = Instant::now();
    loop {
        let Some(object) = bucket.get(&Name::Head).await? else {
            found.push(format!("{name} is missing"));
            return Ok(HeadEvidence::Unreadable(Vec::new(), Condition::Absent));
        };
        let condition = Condition::Version(object.version.clone());
        let read = match Head::parse(&object.bytes) {
            Ok(read) => read,
            Err(error @ (ParseError::Newer(_) | ParseError::Io(_))) => {
                return Err(StateError::parse(Path::new(&name), error, document::fix));
            }
            Err(error) => {
                found.push(format!("{name}: {error}"));
                let journal::Salvaged { head: _, entries, unreadable: _ } =
                    journal::salvage(&object.bytes);
                return Ok(HeadEvidence::Unreadable(entries, condition));
            }
        };
        let left = lease::left(&object, &read.head);
        if left.is_zero() {
            return Ok(HeadEvidence::Whole(Box::new(read), condition));
        }
        let may_wait = wait.saturating_sub(started.elapsed());
        if may_wait.is_zero() {
            return Err(locked(&bucket.location, read.head.holder, left));
        }
        sleep(left.min(may_wait)).await;
    }
}

/// Reads all readable parts of the state.
async fn state(bucket: &Bucket, found: &mut Vec<String>) -> Result<StateEvidence, StateError> {
    let location = &bucket.location;
    let Some(Object { bytes, version, age: _ }) = bucket.get(&Name::State).await? else {
        let (recorded, write) = (Recorded::default(), None);
        return Ok(StateEvidence { recorded, write, condition: Condition::Absent, is_sound: true });
    };
    let condition = Condition::Version(version);
    match format::read(|| Ok(&bytes[..])) {
        Ok(Document { version: _, recorded, folded, fingerprint: _ }) => {
            let write = match folded {
                LastFold::Entries(write) => Some(write),
                LastFold::Nothing | LastFold::Journal(_) => {
                    found
                        .push(format!("{location} is a state file that was copied into the store"));
                    None
                }
            };
            Ok(StateEvidence { recorded, write, condition, is_sound: true })
        }
        Err(error @ (ParseError::Newer(_) | ParseError::Io(_))) => {
            Err(StateError::parse(Path::new(location), error, document::fix))
        }
        Err(error) => {
            found.push(format!("{location}: {error}"));
            let Salvaged { head, rooms, unreadable, end: _ } = salvage(&bytes);
            if !unreadable.is_empty() {
                found.push(format!("{location}: {} lines cannot be read", unreadable.len()));
            }
            let head = head.map(|head| head.recorded).unwrap_or_default();
            let recorded = Recorded { rooms, ..head };
            Ok(StateEvidence { recorded, write: None, condition, is_sound: false })
        }
    }
}

/// Returns whether head and state are complete and consistent.
fn is_consistent(
    bucket: &Bucket,
    read: &ReadHead,
    state: &StateEvidence,
    found: &mut Vec<String>,
) -> bool {
    let StateEvidence { recorded, write, condition, is_sound } = state;
    let read_state = match (write, condition) {
        (Some(write), Condition::Version(version)) => Some(ReadState {
            recorded: recorded.clone(),
            write: write.clone(),
            version: version.clone(),
        }),
        (None, Condition::Absent) => None,
        (_, Condition::Version(_) | Condition::Absent) => return false,
    };
    match document::check(bucket, &read.head, read_state.as_ref()) {
        Ok(()) => *is_sound,
        Err(StateError::Outdated { location: _, why, fix: _ }) => {
            found.push(why);
            false
        }
        Err(error) => {
            found.push(error.to_string());
            false
        }
    }
}

/// Merges the readable parts of both objects. Adds the entries that the state may lack, but removes
/// no room.
fn merge_evidence(
    bucket: &Bucket,
    head: HeadEvidence,
    state: &StateEvidence,
    (holder, lease): (Holder, Duration),
    found: &mut Vec<String>,
) -> Result<Next, StateError> {
    let (of_head, entries, last) = match &head {
        HeadEvidence::Whole(read, _) => (
            Some((read.head.lineage.clone(), read.head.epoch)),
            &read.entries,
            read.head.journal.last(),
        ),
        HeadEvidence::Unreadable(entries, _) => (None, entries, 0),
    };
    let StateEvidence { recorded, write, condition, is_sound: _ } = state;
    let unrepairable =
        |why: String| StateError::Unrepairable { location: bucket.location.clone(), why };
    let lineage = recorded.lineage.clone().or_else(|| Some(of_head.as_ref()?.0.clone()));
    let lineage = lineage.ok_or_else(|| {
        unrepairable("neither object contains the lineage; restore an earlier version".into())
    })?;
    let is_foreign = of_head.as_ref().is_some_and(|(of_head, _)| *of_head != lineage);
    let mut changes = Overlay::default();
    entries.iter().cloned().for_each(|entry| changes.add(entry));
    let trust = if is_foreign { Trust::Foreign } else { Trust::Partial };
    let mut after = recorded.clone();
    merge(&mut after, changes, trust).map_err(|OtherApplication(name)| {
        unrepairable(format!("journal and state have different applications as provider `{name}`"))
    })?;
    found.push(
        "lost entries may belong to rooms that are no longer recorded: `roomctl import --all-declared` \
         looks up every declared room"
            .to_owned(),
    );
    after.lineage = Some(lineage.clone());
    after.serial += 1;
    let folded = write.as_ref().map_or((0, 0), |write| (write.epoch, write.up_to));
    let epoch = of_head.map_or(0, |(_, epoch)| epoch).max(folded.0) + 1;
    Ok(Next {
        recorded: after,
        lineage,
        epoch,
        up_to: last.max(folded.1),
        state: condition.clone(),
        head,
        holder,
        lease,
    })
}

impl Next {
    /// Writes the repair. If the head is complete, it first takes the head over with a new epoch,
    /// so that no other run writes meanwhile. Otherwise it writes the state first, since the
    /// damaged head may contain entries that no other object has.
    async fn write(self, bucket: &Bucket) -> Result<Folded, StateError> {
        let Self { recorded, lineage, epoch, up_to, state, head, holder, lease } = self;
        let new = |journal: Lines, last_calls: LastCalls| Head {
            lineage: lineage.clone(),
            replacement: None,
            epoch,
            lease,
            holder: holder.clone(),
            released: None,
            state: None,
            journal,
            last_calls,
            unknown_calls: true,
        };
        let (mut next, condition) = match head {
            HeadEvidence::Whole(read, condition) => {
                let taken =
                    Head { epoch, lease, holder: holder.clone(), released: None, ..read.head };
                let condition = put_head(bucket, &taken, condition).await?;
                (new(Lines::starting_after(up_to), taken.last_calls), condition)
            }
            HeadEvidence::Unreadable(_, condition) => {
                (new(Lines::starting_after(up_to), LastCalls::new()), condition)
            }
        };
        let (serial, base) = (recorded.serial, Arc::new(recorded));
        let numbers = (serial, epoch, up_to);
        let written =
            NextState::of(bucket, lineage.clone(), base, Overlay::default(), numbers).await?;
        next.state = Some(written.reference());
        let NextState { write, serial, bytes } = written;
        let write = Write { name: &Name::State, bytes, id: &write.write_id, condition: state };
        match bucket.put(&write, Instant::now() + PATIENCE).await {
            Ok(Acknowledged { .. }) => {}
            Err(error) => return Err(write_error(bucket, &Name::State, error)),
        }
        next.released = Some(Released::Uncleanly);
        put_head(bucket, &next, condition).await?;
        Ok(Folded { serial })
    }
}

/// Writes a head, and returns the condition of the next write.
async fn put_head(
    bucket: &Bucket,
    head: &Head,
    condition: Condition,
) -> Result<Condition, StateError> {
    match lease::write(bucket, head, condition, Instant::now() + PATIENCE).await {
        Ok(Acknowledged { version, sent: _ }) => Ok(Condition::Version(version)),
        Err(error) => Err(write_error(bucket, &Name::Head, error)),
    }
}

fn write_error(bucket: &Bucket, name: &Name, error: WriteError) -> StateError {
    match error {
        WriteError::Superseded(_) => {
            let location = text(Path::new(&bucket.named(name)));
            StateError::Changed { location, loss: Loss::Replaced }
        }
        WriteError::Failed(error) => bucket.failed("write", name, &error),
    }
}
