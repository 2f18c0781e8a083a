//! Folds the journal into the rooms, or replaces them by a whole record, in one statement.

use std::io;
use std::sync::Arc;

use tokio::time::Instant;
use tokio_postgres::types::Type;

use crate::model::{Lineage, Recorded};
use crate::state::format::{self, LastFold};
use crate::state::lease::{Released, RemoteError, Sent};
use crate::state::overlay::Overlay;
use crate::state::{LastCalls, StateError};

use super::database::Connection;
use super::head::LAST_ENTRY;
use super::write::{Guard, Write, WriteError};

/// Everything that a fold writes.
#[derive(Debug)]
pub(super) struct Fold {
    lineage: Lineage,
    /// The serial of the state afterwards.
    pub(super) serial: u64,
    /// The head of the document; `None` to leave it as it is.
    state: Option<String>,
    room_count: i64,
    removed: Removed,
    addresses: Vec<String>,
    records: Vec<String>,
}

/// Which rooms are no longer recorded.
#[derive(Debug)]
enum Removed {
    /// The rooms with these addresses.
    Named(Vec<String>),
    /// All rooms that the fold does not write.
    Others,
}

/// How a lease is released with a fold.
#[derive(Debug)]
pub(super) struct Release {
    /// Whether the release is clean.
    pub(super) how: Released,
    /// When the last calls were.
    pub(super) last_calls: LastCalls,
    /// Whether there were other calls, whose time is not known.
    pub(super) unknown_calls: bool,
}

/// The number of the last entry after a fold. It restarts at 0 if no numbers are left, which happens only in
/// a repair: every other run refuses such a head.
const LAST: &str = "CASE WHEN last_entry >= {limit} THEN 0 ELSE last_entry END";

const FOLD: &str = "
WITH head AS (
    UPDATE {s}.head SET write_id = $1, renewed = clock_timestamp(), lineage = $5,
        base = {last_entry}, last_entry = {last_entry}, state = coalesce($6::text::json, state),
        room_count = $7, released = $8,
        last_calls = coalesce($9::text::json, last_calls), unknown_calls = coalesce($10, unknown_calls)
    WHERE {guard} RETURNING {durable} AS durable
), removed AS (
    {removed}
), written AS (
    INSERT INTO {s}.rooms (address, record)
    SELECT room.address, room.record::json
    FROM head, unnest($12::text[], $13::text[]) AS room(address, record)
    ON CONFLICT (address) DO UPDATE SET record = excluded.record
), folded AS (
    DELETE FROM {s}.journal USING head
)
SELECT durable FROM head";

/// Deletes the named rooms.
const NAMED: &str = "DELETE FROM {s}.rooms USING head WHERE address = ANY($11::text[])";

/// Deletes the rooms that the fold does not write. Keeps all replaced rows in the table `replaced`,
/// whose earlier rows are dropped.
const OTHERS: &str = "
    DELETE FROM {s}.rooms USING head WHERE NOT EXISTS (
        SELECT FROM unnest($12::text[]) AS next(address) WHERE next.address = rooms.address
    )
), dropped AS (
    DELETE FROM {s}.replaced USING head
), kept AS (
    INSERT INTO {s}.replaced (part, key, content)
    SELECT part, key, content FROM head, (
        SELECT 'rooms' AS part, address AS key, record::text AS content FROM {s}.rooms
        UNION ALL SELECT 'journal', number::text, entry::text FROM {s}.journal
        UNION ALL SELECT 'head', 'state', state::text FROM {s}.head
    ) AS earlier";

impl Fold {
    /// Creates the fold of `changes` into `base`.
    pub(super) async fn of_changes(
        location: &str,
        lineage: Lineage,
        (base, changes): (Arc<Recorded>, Overlay),
        serial: u64,
    ) -> Result<Self, StateError> {
        build(location, move || {
            let (mut removed, mut addresses, mut records) = (Vec::new(), Vec::new(), Vec::new());
            let mut room_count = i64::try_from(base.rooms.len()).unwrap_or(i64::MAX);
            for (address, record) in changes.changed() {
                let before = base.rooms.get(address);
                room_count += i64::from(record.is_some()) - i64::from(before.is_some());
                match record {
                    Some(record) if before != Some(record) => {
                        addresses.push(address.to_string());
                        records.push(format::record_text(record)?);
                    }
                    Some(_) => {}
                    None => removed.push(address.to_string()),
                }
            }
            let (providers, plans) = (changes.providers(&base), changes.plans(&base));
            let (folded, moved_to) = (LastFold::Nothing, base.moved_to.as_deref());
            let head =
                format::Head { lineage: &lineage, serial, folded, providers, plans, moved_to };
            let state = Some(format::head_text(head)?);
            let removed = Removed::Named(removed);
            Ok(Self { lineage, serial, state, room_count, removed, addresses, records })
        })
        .await
    }

    /// Creates a fold that replaces everything by a whole record.
    pub(super) async fn of_record(
        location: &str,
        lineage: Lineage,
        recorded: Arc<Recorded>,
    ) -> Result<Self, StateError> {
        build(location, move || {
            let Recorded { lineage: _, serial, providers, rooms, plans, moved_to } = &*recorded;
            let (providers, plans) = (providers.clone(), plans.clone());
            let (folded, moved_to) = (LastFold::Nothing, moved_to.as_deref());
            let (lineage_of, serial) = (&lineage, *serial);
            let head =
                format::Head { lineage: lineage_of, serial, folded, providers, plans, moved_to };
            let state = Some(format::head_text(head)?);
            let records = rooms.values().map(format::record_text).collect::<io::Result<_>>()?;
            let addresses: Vec<_> = rooms.keys().map(ToString::to_string).collect();
            let room_count = i64::try_from(addresses.len()).unwrap_or(i64::MAX);
            let removed = Removed::Others;
            Ok(Self { lineage, serial, state, room_count, removed, addresses, records })
        })
        .await
    }

    /// Creates a fold that leaves the state as it is.
    pub(super) fn nothing(lineage: Lineage, recorded: &Recorded) -> Self {
        Self {
            lineage,
            serial: recorded.serial,
            state: None,
            room_count: i64::try_from(recorded.rooms.len()).unwrap_or(i64::MAX),
            removed: Removed::Named(Vec::new()),
            addresses: Vec::new(),
            records: Vec::new(),
        }
    }

    /// Writes the fold. Releases the lease in the same statement if `release` is given.
    pub(super) async fn write(
        &self,
        connection: &mut Connection,
        guard: &mut Guard,
        release: Option<&Release>,
        until: Instant,
    ) -> Result<Sent, WriteError> {
        let Self { lineage, serial: _, state, room_count, removed, addresses, records } = self;
        let (condition, removed) = match removed {
            Removed::Named(removed) => (NAMED, removed.as_slice()),
            Removed::Others => (OTHERS, [].as_slice()),
        };
        let sql = FOLD.replace("{removed}", condition).replace("{last_entry}", LAST);
        let sql = sql.replace("{limit}", &LAST_ENTRY.to_string());
        let released = release.map(|release| release.how.name());
        let last_calls = release.map(|release| serde_json::to_string(&release.last_calls));
        let unwritable =
            |error: serde_json::Error| WriteError::Failed(RemoteError::Denied(error.to_string()));
        let last_calls = last_calls.transpose().map_err(unwritable)?;
        let unknown_calls = release.map(|release| release.unknown_calls);
        let bytes = addresses.iter().chain(records).map(String::len).sum();
        let parameters = &[
            (&lineage.0 as _, Type::TEXT),
            (state as _, Type::TEXT),
            (room_count as _, Type::INT8),
            (&released as _, Type::TEXT),
            (&last_calls as _, Type::TEXT),
            (&unknown_calls as _, Type::BOOL),
            (&removed as _, Type::TEXT_ARRAY),
            (addresses as _, Type::TEXT_ARRAY),
            (records as _, Type::TEXT_ARRAY),
        ];
        guard.write(connection, Write { sql: &sql, parameters, bytes, until }).await
    }
}

/// Serializes rooms on a blocking thread, so that other tasks are not delayed.
async fn build(
    location: &str,
    make: impl FnOnce() -> io::Result<Fold> + Send + 'static,
) -> Result<Fold, StateError> {
    let location = location.to_owned();
    match tokio::task::spawn_blocking(make).await {
        Ok(fold) => fold.map_err(StateError::io("fold", location.as_ref())),
        Err(_) => Err(StateError::Stopped { location }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Entry;
    use crate::state::samples;

    fn lineage() -> Lineage {
        Lineage("b271f094-6c4d-4d6b-9b0c-d475072523d5".to_owned())
    }

    async fn folded(base: Recorded, entries: Vec<Entry>) -> Fold {
        let mut changes = Overlay::default();
        for entry in entries {
            changes.add(entry);
        }
        let fold = Fold::of_changes("a state", lineage(), (Arc::new(base), changes), 8).await;
        fold.expect("a fold")
    }

    #[tokio::test]
    async fn a_fold_writes_the_changed_rooms_and_counts_all_rooms() {
        let base = samples::many(3);
        let (kept, record) = base.rooms.first_key_value().expect("a room");
        let gone = base.rooms.last_key_value().expect("another room").0;
        let new = "chat/new".parse().expect("an address");
        let entries = vec![
            Entry::Result(kept.clone(), record.clone()),
            Entry::Removed(gone.clone()),
            Entry::Result(new, record.clone()),
        ];
        let (rooms, gone) = (base.rooms.len(), gone.to_string());
        let Fold { lineage: _, serial, state, room_count, removed, addresses, records } =
            folded(base, entries).await;
        assert_eq!((addresses, records.len()), (vec!["chat/new".to_owned()], 1));
        assert!(matches!(removed, Removed::Named(removed) if removed == [gone]));
        assert_eq!((usize::try_from(room_count), serial), (Ok(rooms), 8));
        assert!(state.is_some_and(|state| state.contains("\"serial\":8")));
    }

    #[tokio::test]
    async fn a_whole_record_replaces_all_rooms() {
        let recorded = Arc::new(samples::many(3));
        let fold = Fold::of_record("a state", lineage(), Arc::clone(&recorded)).await;
        let fold = fold.expect("a fold");
        assert!(matches!(fold.removed, Removed::Others));
        assert_eq!(fold.addresses.len(), recorded.rooms.len());
        assert_eq!(fold.serial, recorded.serial);
    }
}
