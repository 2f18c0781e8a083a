//! Repairs a state whose rows are damaged, missing or inconsistent.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::model::{Address, Holder, Lineage, Recorded, RepairPlan};
use crate::state::format::{self, Names, SharedRooms};
use crate::state::lease::{POLL, READ_PATIENCE, Released, Watch, locked};
use crate::state::merge::{OtherApplication, Trust, merge};
use crate::state::overlay::Overlay;
use crate::state::repair::{Repair, Replaced};
use crate::state::{Entry, Folded, LastCalls, LeaseEnd, Loss, StateError, random_uuid};

use super::database::{Connection, Database};
use super::fold::{Fold, Release};
use super::head::{HeadCore, ReadHead};
use super::lease::{self, unwritten};
use super::record::{
    Rows, entry, entry_row, mismatch, room_row, state_column, without_state, wrong_entries,
};
use super::schema::{self, Schema};

/// The readable content of the rows.
struct Evidence {
    /// `None` if there is no head.
    head: Option<HeadCore>,
    /// The readable part of the state.
    recorded: Recorded,
    /// The readable part of the journal.
    changes: Overlay,
    /// The rooms whose rows cannot be read.
    unreadable: Vec<Address>,
    /// The findings, as sentences for the user.
    found: Vec<String>,
}

/// Everything that the repair writes.
struct Next {
    recorded: Recorded,
    lineage: Lineage,
    head: Option<HeadCore>,
    holder: Holder,
}

/// Reads the rows and computes the repair; `None` if there is nothing to repair.
///
/// # Errors
/// Returns [`StateError::Locked`] if another run holds the lease, and [`StateError::Unrepairable`]
/// if the rows cannot be repaired.
pub(super) async fn compute(
    database: Database,
    holder: Holder,
    wait: Duration,
) -> Result<Option<Repair>, StateError> {
    let mut connection = database.connection();
    match schema::find(&mut connection).await? {
        Schema::Missing | Schema::Empty | Schema::Unversioned => return Ok(None),
        Schema::Version(_) => {}
    }
    let rows = free_rows(&mut connection, wait).await?;
    let evidence = evidence(&database, &rows)?;
    if evidence.found.is_empty() {
        return Ok(None);
    }
    let (before, mut found) = (evidence.recorded.clone(), evidence.found.clone());
    let unreadable = evidence.unreadable.clone();
    let next = merge_evidence(&database, evidence, holder)?;
    found.push(
        "rows that were lost or cannot be read may belong to rooms that are no longer recorded: `roomctl \
         import --all-declared` looks up every declared room"
            .to_owned(),
    );
    let compared = format!("what could be read of {}", database.location);
    let mut plan = RepairPlan::between(found, compared, &before, &next.recorded);
    plan.lost.extend(unreadable.into_iter().filter(|it| !next.recorded.rooms.contains_key(it)));
    let write = Box::pin(async move { next.write(&mut connection).await });
    Ok(Some(Repair { plan, replaced: Replaced::InTable, write }))
}

/// Reads the rows once no run holds the lease. Waits at most `wait`.
async fn free_rows(connection: &mut Connection, wait: Duration) -> Result<Rows, StateError> {
    let (started, mut watch) = (Instant::now(), Watch::default());
    loop {
        let rows = Rows::read(connection).await?;
        let database = connection.database();
        let Some(head) = &rows.head else { return Ok(rows) };
        let left = core(database, head)?.left(&mut watch);
        if left.is_zero() {
            return Ok(rows);
        }
        let may_wait = wait.saturating_sub(started.elapsed());
        if may_wait.is_zero() {
            return Err(match head.parse(database) {
                Ok(head) => locked(&database.location, head.holder, left),
                Err(_) => StateError::Locked {
                    location: database.location.clone(),
                    holder: None,
                    lease_ends: Some(left),
                },
            });
        }
        sleep(POLL.min(left).min(may_wait)).await;
    }
}

fn core(database: &Database, head: &ReadHead) -> Result<HeadCore, StateError> {
    head.core().map_err(|error| unrepairable(database, error.to_string()))
}

fn unrepairable(database: &Database, why: String) -> StateError {
    StateError::Unrepairable { location: database.location.clone(), why }
}

/// Reads all readable rows.
fn evidence(database: &Database, rows: &Rows) -> Result<Evidence, StateError> {
    let mut found = Vec::new();
    let head = match &rows.head {
        Some(head) => {
            if let Err(error) = head.parse(database) {
                found.push(error.to_string());
            }
            Some(core(database, head)?)
        }
        None => None,
    };
    if head.is_none() && !(rows.rooms.is_empty() && rows.journal.is_empty()) {
        found.push(format!(
            "there are rooms, but {} has no row: the repaired state gets a new lineage",
            database.table("head")
        ));
    }
    let mut recorded = state(database, head.as_ref(), &rows.rooms, &mut found)?;
    let unreadable = rooms(database, rows, &mut recorded, &mut found)?;
    let changes = journal(database, head.as_ref(), rows, &mut found)?;
    Ok(Evidence { head, recorded, changes, unreadable, found })
}

/// Reads everything of the state except its rooms.
fn state(
    database: &Database,
    head: Option<&HeadCore>,
    rooms: &[tokio_postgres::Row],
    found: &mut Vec<String>,
) -> Result<Recorded, StateError> {
    let Some(head) = head else { return Ok(Recorded::default()) };
    if i64::try_from(rooms.len()) != Ok(head.room_count) {
        found.push(mismatch(database, rooms.len(), head.room_count));
    }
    let Some(state) = &head.state else {
        if !rooms.is_empty() {
            found.push(without_state(database));
        }
        return Ok(Recorded::default());
    };
    match format::read_rows(state, std::iter::empty(), &SharedRooms::default()) {
        Ok(recorded) => Ok(recorded),
        Err(format::ParseError::Newer(version)) => {
            Err(StateError::Newer { location: database.location.clone(), version })
        }
        Err(error) => {
            found.push(format!("{}: {error}", state_column(database)));
            Ok(Recorded::default())
        }
    }
}

/// Reads the readable rooms into `recorded`, and returns the others.
fn rooms(
    database: &Database,
    rows: &Rows,
    recorded: &mut Recorded,
    found: &mut Vec<String>,
) -> Result<Vec<Address>, StateError> {
    let (mut names, mut unreadable) = (Names::default(), Vec::new());
    let texts = Rows::texts(&rows.rooms);
    for (address, record) in texts.map_err(|error| unrepairable(database, error.to_string()))? {
        match format::read_row(address, record, &mut names) {
            Ok((address, record)) => drop(recorded.rooms.insert(address, record)),
            Err(error) => {
                found.push(format!("{}: {error}", room_row(database, address)));
                unreadable.extend(address.parse::<Address>().ok());
            }
        }
    }
    Ok(unreadable)
}

fn journal(
    database: &Database,
    head: Option<&HeadCore>,
    rows: &Rows,
    found: &mut Vec<String>,
) -> Result<Overlay, StateError> {
    let (mut changes, mut numbers) = (Overlay::default(), Vec::new());
    for row in &rows.journal {
        let (number, entry): (i64, Result<Entry, _>) =
            entry(row).map_err(|error| unrepairable(database, error.to_string()))?;
        numbers.push(number);
        match entry {
            Ok(entry) => changes.add(entry),
            Err(error) => found.push(format!("{}: {error}", entry_row(database, number))),
        }
    }
    let is_whole = |head: &HeadCore| {
        let entries = head.base.saturating_add(1)..=head.last_entry;
        numbers.iter().copied().eq(entries)
    };
    if !head.is_none_or(is_whole) {
        found.push(wrong_entries(database));
    }
    Ok(changes)
}

/// Merges everything readable. Adds the entries that the rooms may lack, but removes no room.
fn merge_evidence(
    database: &Database,
    evidence: Evidence,
    holder: Holder,
) -> Result<Next, StateError> {
    let Evidence { head, recorded: mut after, changes, unreadable: _, found: _ } = evidence;
    merge(&mut after, changes, Trust::Partial).map_err(|OtherApplication(name)| {
        let why = format!("journal and state have different applications as provider `{name}`");
        unrepairable(database, why)
    })?;
    let lineage = after.lineage.clone().or_else(|| Some(head.as_ref()?.lineage.clone()));
    let lineage = match lineage {
        Some(lineage) => lineage,
        None => Lineage(random_uuid().map_err(|error| unrepairable(database, error.to_string()))?),
    };
    after.lineage = Some(lineage.clone());
    after.serial += 1;
    Ok(Next { recorded: after, lineage, head, holder })
}

impl Next {
    /// Writes the repair under a new lease. The replaced rows are kept in the table `replaced`.
    async fn write(self, connection: &mut Connection) -> Result<Folded, StateError> {
        let Self { recorded, lineage, head, holder } = self;
        let taken = match &head {
            Some(HeadCore { epoch, write_id, .. }) => {
                let seen = (*epoch, write_id.as_str());
                lease::raise(connection, &holder, seen, true, LeaseEnd::TakenOver).await?
            }
            None => lease::insert(connection, &holder).await?,
        };
        let database = connection.database().clone();
        let changed = || {
            let location = database.location.clone();
            StateError::Changed { location, loss: Loss::Replaced }
        };
        let mut lease = taken.ok_or_else(changed)?;
        let fold = Fold::of_record(&database.location, lineage, recorded.into()).await?;
        let last_calls = LastCalls::new();
        let release = Release { how: Released::Uncleanly, last_calls, unknown_calls: true };
        let until = Instant::now() + READ_PATIENCE;
        let written = fold.write(connection, &mut lease.guard, Some(&release), until).await;
        written.map_err(|error| unwritten(&database, error))?;
        Ok(Folded { serial: fold.serial })
    }
}
