//! Merges a journal into a state that it may not build on, without losing a room.

use std::collections::BTreeMap;

use crate::model::{Address, ProviderIdentity, ProviderName, Recorded, RecordedRoom};

use super::overlay::Overlay;

/// How far a journal can be trusted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Trust<'a> {
    /// It builds on this record, and all its lines are complete.
    Whole(&'a Recorded),
    /// It builds on an unknown record, or some of its lines cannot be read: a room that it removes
    /// may have been created again since.
    Partial,
    /// It belongs to another lineage: only rooms that are not recorded at all are taken from it.
    Foreign,
}

/// The error of two different applications under one provider name.
#[derive(Debug)]
pub(super) struct OtherApplication(pub(super) ProviderName);

/// Merges `changes` into `into`.
pub(super) fn merge(
    into: &mut Recorded,
    changes: Overlay,
    trust: Trust<'_>,
) -> Result<(), OtherApplication> {
    match trust {
        Trust::Whole(_) | Trust::Partial => into.plans = changes.plans(into),
        Trust::Foreign => {}
    }
    let (providers, rooms) = changes.into_changes();
    merge_providers(&mut into.providers, providers)?;
    for (address, theirs) in rooms {
        let ours = into.rooms.get(&address);
        match theirs {
            None if is_unchanged(&address, ours, trust) => drop(into.rooms.remove(&address)),
            Some(theirs) if takes_theirs(&address, ours, &theirs, trust) => {
                into.rooms.insert(address, theirs);
            }
            None | Some(_) => {}
        }
    }
    Ok(())
}

/// Returns whether the record of a room is unchanged since the journal was started.
fn is_unchanged(address: &Address, ours: Option<&RecordedRoom>, trust: Trust<'_>) -> bool {
    match trust {
        Trust::Whole(before) => before.rooms.get(address) == ours,
        Trust::Partial | Trust::Foreign => false,
    }
}

fn takes_theirs(
    address: &Address,
    ours: Option<&RecordedRoom>,
    theirs: &RecordedRoom,
    trust: Trust<'_>,
) -> bool {
    let Some(known) = ours else { return true };
    match trust {
        Trust::Foreign => false,
        // A rescue file also contains rooms that its run did not change.
        Trust::Whole(before) if before.rooms.get(address) == Some(theirs) => false,
        Trust::Whole(_) | Trust::Partial => {
            is_unchanged(address, ours, trust) || known.last_known() <= theirs.last_known()
        }
    }
}

fn merge_providers(
    into: &mut BTreeMap<ProviderName, ProviderIdentity>,
    from: BTreeMap<ProviderName, ProviderIdentity>,
) -> Result<(), OtherApplication> {
    for (name, theirs) in from {
        match into.get_mut(&name) {
            None => drop(into.insert(name, theirs)),
            Some(ours) if (ours.kind, ours.app_id) != (theirs.kind, theirs.app_id) => {
                return Err(OtherApplication(name));
            }
            Some(ours) if ours.host.is_none() => ours.host = theirs.host,
            Some(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;
    use crate::state::Entry;
    use crate::state::samples::{address, identity, many, named, provider, record};

    fn overlay(entries: impl IntoIterator<Item = Entry>) -> Overlay {
        let mut overlay = Overlay::default();
        entries.into_iter().for_each(|entry| overlay.add(entry));
        overlay
    }

    fn seen(name: &str, seconds: i64) -> RecordedRoom {
        RecordedRoom {
            last_seen: Some(Timestamp::from_millis(1_800_000_000_000 + seconds * 1000)),
            ..record(name)
        }
    }

    fn room(n: usize) -> Address {
        address(&format!("chat/room-000000{n}"))
    }

    /// Merges the removal of a room and another record of a second one.
    fn merged(into: &Recorded, trust: Trust<'_>) -> Recorded {
        let mut merged = into.clone();
        let changes = [Entry::Removed(room(0)), Entry::Result(room(1), seen("new", 5))];
        let changes = overlay(changes.into_iter().chain([named("chat/x", "X")]));
        merge(&mut merged, changes, trust).expect("merged");
        assert_eq!(merged.rooms[&address("chat/x")], record("X"), "a new room is always taken");
        merged
    }

    #[test]
    fn a_journal_applies_to_the_record_that_it_builds_on() {
        let before = many(3);
        let after = merged(&before, Trust::Whole(&before));
        assert!(!after.rooms.contains_key(&room(0)));
        assert_eq!(after.rooms[&room(1)], seen("new", 5));
    }

    #[test]
    fn a_later_change_by_another_run_is_kept() {
        let before = many(3);
        let mut now = before.clone();
        now.rooms.insert(room(0), seen("recreated", 1));
        now.rooms.insert(room(1), seen("later", 9));
        let after = merged(&now, Trust::Whole(&before));
        assert_eq!(after.rooms[&room(0)], seen("recreated", 1));
        assert_eq!(after.rooms[&room(1)], seen("later", 9));
        now.rooms.insert(room(1), seen("earlier", 1));
        assert_eq!(merged(&now, Trust::Whole(&before)).rooms[&room(1)], seen("new", 5));
    }

    #[test]
    fn a_partial_journal_removes_no_room() {
        let after = merged(&many(3), Trust::Partial);
        assert!(after.rooms.contains_key(&room(0)));
        assert_eq!(after.rooms[&room(1)], seen("new", 5));
    }

    #[test]
    fn only_new_rooms_are_taken_from_another_lineage() {
        let after = merged(&many(3), Trust::Foreign);
        assert_eq!(after.rooms[&room(1)], many(3).rooms[&room(1)]);
        assert!(after.rooms.contains_key(&room(0)));
    }

    #[test]
    fn another_application_under_the_same_name_is_an_error() {
        let other = ProviderIdentity { app_id: 8, ..identity() };
        let changes = overlay([Entry::Provider(provider("chat"), other)]);
        let error = merge(&mut many(1), changes, Trust::Foreign).expect_err("another application");
        assert_eq!(error.0, provider("chat"));
    }
}
