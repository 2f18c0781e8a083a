//! Merges what a journal says into a state that it may not build on, and never loses a room by it.

use std::collections::BTreeMap;

use crate::model::{Address, ProviderIdentity, ProviderName, Recorded, RecordedRoom};

use super::overlay::Overlay;

/// How far what a journal says can be believed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Trust<'a> {
    /// It builds on this record, and every line of it is whole.
    Whole(&'a Recorded),
    /// It builds on a record that is not known, or lines of it cannot be read: a room that it takes
    /// out may have been made again since.
    Partial,
    /// It is of another line of states: only rooms that are not recorded at all are taken from it.
    Foreign,
}

/// Two providers of one name are different applications.
#[derive(Debug)]
pub(super) struct OtherApplication(pub(super) ProviderName);

/// Merges changes into `into`.
pub(super) fn merge(
    into: &mut Recorded,
    changes: Overlay,
    trust: Trust<'_>,
) -> Result<(), OtherApplication> {
    let (providers, rooms) = changes.into_changes();
    merge_providers(&mut into.providers, providers)?;
    for (address, theirs) in rooms {
        let ours = into.rooms.get(&address);
        match theirs {
            None if is_untouched(&address, ours, trust) => drop(into.rooms.remove(&address)),
            Some(theirs) if is_taken(&address, ours, &theirs, trust) => {
                into.rooms.insert(address, theirs);
            }
            None | Some(_) => {}
        }
    }
    Ok(())
}

/// Whether the record of a room is unchanged since the journal was begun.
fn is_untouched(address: &Address, ours: Option<&RecordedRoom>, trust: Trust<'_>) -> bool {
    match trust {
        Trust::Whole(before) => before.rooms.get(address) == ours,
        Trust::Partial | Trust::Foreign => false,
    }
}

fn is_taken(
    address: &Address,
    ours: Option<&RecordedRoom>,
    theirs: &RecordedRoom,
    trust: Trust<'_>,
) -> bool {
    let Some(known) = ours else { return true };
    match trust {
        Trust::Foreign => false,
        // A rescue file also names what its run did not change.
        Trust::Whole(before) if before.rooms.get(address) == Some(theirs) => false,
        Trust::Whole(_) | Trust::Partial => {
            is_untouched(address, ours, trust) || known.last_known() <= theirs.last_known()
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
    fn over_what_it_builds_on_a_journal_holds() {
        let before = many(3);
        let after = merged(&before, Trust::Whole(&before));
        assert!(!after.rooms.contains_key(&room(0)));
        assert_eq!(after.rooms[&room(1)], seen("new", 5));
    }

    #[test]
    fn a_room_that_another_run_has_changed_since_is_not_lost() {
        let before = many(3);
        let mut now = before.clone();
        now.rooms.insert(room(0), seen("made again", 1));
        now.rooms.insert(room(1), seen("later", 9));
        let after = merged(&now, Trust::Whole(&before));
        assert_eq!(after.rooms[&room(0)], seen("made again", 1));
        assert_eq!(after.rooms[&room(1)], seen("later", 9));
        now.rooms.insert(room(1), seen("earlier", 1));
        assert_eq!(merged(&now, Trust::Whole(&before)).rooms[&room(1)], seen("new", 5));
    }

    #[test]
    fn a_journal_with_holes_takes_no_room_out() {
        let after = merged(&many(3), Trust::Partial);
        assert!(after.rooms.contains_key(&room(0)));
        assert_eq!(after.rooms[&room(1)], seen("new", 5));
    }

    #[test]
    fn of_another_line_of_states_only_new_rooms_are_taken() {
        let after = merged(&many(3), Trust::Foreign);
        assert_eq!(after.rooms[&room(1)], many(3).rooms[&room(1)]);
        assert!(after.rooms.contains_key(&room(0)));
    }

    #[test]
    fn two_applications_of_one_name_are_not_mixed() {
        let other = ProviderIdentity { app_id: 8, ..identity() };
        let changes = overlay([Entry::Provider(provider("chat"), other)]);
        let error = merge(&mut many(1), changes, Trust::Foreign).expect_err("another application");
        assert_eq!(error.0, provider("chat"));
    }
}
