//! Tables of observations after an open create and an open destroy, with the owner that they prove.

use std::sync::Arc;

use super::super::samples::{self, attributes};
use super::super::{
    Assumed, Landing, Lineage, Observation, Pending, PendingKind, Room, Settled, settle,
};
use super::*;

pub(in crate::model) const SENT: i64 = 1_000_000;

/// Returns the time this many milliseconds after the call was sent.
pub(in crate::model) fn later(after: u64) -> Timestamp {
    Timestamp::from_millis(SENT).plus(Duration::from_millis(after))
}

pub(in crate::model) fn room(pairs: &[(&str, &str)]) -> Arc<Room> {
    Arc::new(Room { attributes: attributes(pairs), ..Room::default() })
}

pub(in crate::model) fn record(pairs: &[(&str, &str)]) -> RecordedRoom {
    samples::record(room(pairs), Timestamp::from_millis(SENT))
}

/// Returns a room without attributes, observed this many milliseconds after the call was sent.
pub(in crate::model) fn observed_room(people: People, after: u64) -> ObservedRoom {
    samples::observed_room(later(after), people, Attributes::EMPTY)
}

pub(in crate::model) fn with_attributes(
    seen: ObservedRoom,
    pairs: &[(&str, &str)],
) -> ObservedRoom {
    ObservedRoom { attributes: attributes(pairs), ..seen }
}

/// The owner of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RoomOwner {
    Ours,
    Foreign,
    Uncertain,
    /// Assumed to be ours: nothing could be compared.
    Unproven,
}

fn owner_of(
    application: &Application,
    kind: PendingKind,
    record: &RecordedRoom,
    seen: &ObservedRoom,
) -> RoomOwner {
    let pending = Pending::new(kind, Timestamp::from_millis(SENT), None);
    let observation = Observation::There(seen.clone());
    match settle(application, record, &pending, Some(&observation), Landing::Over) {
        Settled::Done(_) | Settled::NotDone(_) => RoomOwner::Ours,
        Settled::Contested(record) => {
            assert!(record.contested.is_some() && record.pending.is_none());
            RoomOwner::Uncertain
        }
        Settled::Foreign(left) => {
            assert_eq!(left, None, "it is not recorded");
            RoomOwner::Foreign
        }
        Settled::Unproven(record) => {
            assert_eq!(record.assumed, Assumed::of(application.kind()));
            RoomOwner::Unproven
        }
        other @ (Settled::Gone(_) | Settled::MayStillLand(_) | Settled::Unread(_)) => {
            panic!("{other:?}")
        }
    }
}

fn zim() -> Application {
    Application::new(Kind::Zim, Some("admin".to_owned()))
}

fn live() -> Application {
    Application::new(Kind::TencentLive, Some("admin".to_owned()))
        .with_dissolve_after(Duration::from_mins(1))
}

const MINUTE: u64 = 60_000;

const NAME: Field = Field::Name;
const OWNER: Field = Field::Owner;
const SEATS: Field = Field::SeatTemplate;

/// Attributes by key and value.
type Pairs = &'static [(&'static str, &'static str)];

const NONE: Pairs = &[];
const TWO: Pairs = &[("a", "1"), ("b", "2")];

/// Attributes sent, attributes observed, people, sequence, milliseconds after the create, owner.
type Created = (Pairs, Pairs, People, Option<u64>, u64, RoomOwner);

/// Fields reported of a live room, milliseconds after the create, owner.
type ObservedFields = (&'static [(Field, &'static str)], u64, RoomOwner);

/// Attributes recorded, recorded sequence, attributes observed, observed sequence, people, owner.
type NotDestroyed = (Pairs, Option<u64>, Pairs, Option<u64>, People, RoomOwner);

#[test]
fn the_owner_of_a_room_after_an_open_create() {
    use People::{AtLeast, Count, Nobody, Unknown};
    use RoomOwner::{Ours, Uncertain};
    let table: &[Created] = &[
        // Nothing was sent: only attributes of others are evidence.
        (NONE, NONE, Nobody, None, 5, Ours),
        (NONE, NONE, Count(3), Some(0), 5, Ours),
        (NONE, &[("x", "1")], Nobody, Some(1), 5, Uncertain),
        (NONE, &[("x", "1")], Count(300), None, 2 * MINUTE, Uncertain),
        // All attributes are there: others made the changes beyond those.
        (TWO, TWO, Nobody, Some(2), 5, Ours),
        (TWO, TWO, Count(3), Some(9), 2 * MINUTE, Ours),
        (TWO, TWO, Unknown, None, 5, Ours),
        // Other attributes exist as well, or instead.
        (TWO, &[("a", "1"), ("b", "2"), ("x", "1")], Nobody, Some(3), 5, Uncertain),
        (TWO, &[("a", "1"), ("b", "2"), ("x", "1")], Count(3), None, 2 * MINUTE, Uncertain),
        (TWO, &[("a", "1"), ("b", "other")], Nobody, Some(2), 5, Uncertain),
        (TWO, &[("x", "1")], Nobody, Some(1), 2 * MINUTE, Uncertain),
        // Some are missing, and the service drops all or none.
        (TWO, &[("a", "1")], Nobody, Some(2), 2 * MINUTE, Uncertain),
        // All are missing: dropped, if there was time for the room to be emptied.
        (TWO, NONE, Nobody, Some(2), 5, Uncertain),
        (TWO, NONE, Nobody, None, MINUTE - 1, Uncertain),
        (TWO, NONE, Nobody, None, MINUTE, Ours),
        (TWO, NONE, Nobody, Some(4), 2 * MINUTE, Ours),
        (TWO, NONE, Nobody, Some(1), 2 * MINUTE, Uncertain),
        (TWO, NONE, Count(1), None, 2 * MINUTE, Uncertain),
        (TWO, NONE, AtLeast(1), None, 2 * MINUTE, Uncertain),
        (TWO, NONE, Unknown, None, 2 * MINUTE, Uncertain),
    ];
    for (sent, seen, people, sequence, after, expected) in table {
        let seen = ObservedRoom {
            attribute_sequence: *sequence,
            ..with_attributes(observed_room(*people, *after), seen)
        };
        let actual = owner_of(&zim(), PendingKind::Create, &record(sent), &seen);
        assert_eq!(actual, *expected, "{sent:?} {seen:?}");
    }
}

#[test]
fn a_clock_that_was_set_back_proves_no_ownership() {
    let seen = ObservedRoom { at: Timestamp::from_millis(0), ..observed_room(People::Nobody, 0) };
    let actual = owner_of(&zim(), PendingKind::Create, &record(&[("a", "1")]), &seen);
    assert_eq!(actual, RoomOwner::Uncertain);
}

#[test]
fn a_missing_auto_delete_attribute_is_not_evidence() {
    let mut sent = record(&[("a", "1")]);
    let mut attributes = sent.room.attributes.clone();
    attributes.insert("hello", Attribute { value: "x".into(), auto_delete: true });
    sent.room = Arc::new(Room { attributes, ..Room::default() });
    for kind in [PendingKind::Create, PendingKind::Destroy] {
        let seen = with_attributes(observed_room(People::Count(1), 5), &[("a", "1")]);
        assert_eq!(owner_of(&zim(), kind, &sent, &seen), RoomOwner::Ours, "{kind:?}");
        let seen = with_attributes(observed_room(People::Count(1), 5), &[("a", "theirs")]);
        assert_eq!(owner_of(&zim(), kind, &sent, &seen), RoomOwner::Uncertain, "{kind:?}");
    }
}

#[test]
fn the_owner_of_a_live_room_after_an_open_create() {
    use RoomOwner::{Ours, Uncertain};
    let text = |text: &str| Value::Text(text.into());
    let mut sent = record(&[]);
    let mut room = Room::default();
    room.set(Field::Name, Some(text("Show")));
    room.set(Field::SeatTemplate, Some(text("Karaoke")));
    sent.room = Arc::new(room);
    let table: &[ObservedFields] = &[
        (&[], 5, Ours),
        (&[(OWNER, "admin"), (SEATS, "Karaoke"), (NAME, "Show")], 5, Ours),
        (&[(OWNER, "theirs")], 5, Uncertain),
        (&[(OWNER, "theirs")], 2 * MINUTE, Uncertain),
        (&[(SEATS, "AudioSalon")], 2 * MINUTE, Uncertain),
        (&[(NAME, "Theirs")], 5, Uncertain),
        // The host may have renamed it meanwhile.
        (&[(NAME, "Theirs")], 2 * MINUTE, Ours),
    ];
    for (reported, after, expected) in table {
        let fields = reported.iter().map(|(field, value)| (*field, text(value))).collect();
        let seen = ObservedRoom { fields, ..observed_room(People::Unknown, *after) };
        assert_eq!(owner_of(&live(), PendingKind::Create, &sent, &seen), *expected, "{reported:?}");
    }
    // Metadata is set by a later call: what exists before it belongs to others.
    let seen = with_attributes(observed_room(People::Nobody, 5), &[("a", "1")]);
    assert_eq!(owner_of(&live(), PendingKind::Create, &sent, &seen), Uncertain);
    let mut owned = sent.room.as_ref().clone();
    owned.set(OWNER, Some(text("anchor")));
    sent.room = Arc::new(owned);
    for (reported, expected) in [("anchor", Ours), ("admin", Uncertain)] {
        let fields = [(OWNER, text(reported))].into_iter().collect();
        let seen = ObservedRoom { fields, ..observed_room(People::Unknown, 5) };
        assert_eq!(owner_of(&live(), PendingKind::Create, &sent, &seen), expected, "{reported}");
    }
}

#[test]
fn the_owner_of_a_room_after_an_open_destroy() {
    use People::{Count, Nobody, Unknown};
    use RoomOwner::{Ours, Uncertain, Unproven};
    let table: &[NotDestroyed] = &[
        // All recorded attributes are there.
        (TWO, Some(2), TWO, Some(2), Nobody, Ours),
        (TWO, None, TWO, None, Count(3), Ours),
        (TWO, Some(2), &[("a", "1"), ("b", "2"), ("x", "1")], Some(3), Count(3), Ours),
        // A lower sequence is another room, even if it looks the same.
        (TWO, Some(5), TWO, Some(2), Nobody, Uncertain),
        (NONE, Some(3), NONE, Some(0), Nobody, Uncertain),
        // Other attributes.
        (TWO, Some(2), &[("x", "1")], Some(2), Nobody, Uncertain),
        (TWO, None, &[("a", "1"), ("b", "other")], None, Nobody, Uncertain),
        (TWO, None, &[("a", "1")], None, Nobody, Uncertain),
        (NONE, Some(0), &[("x", "1")], Some(1), Count(300), Uncertain),
        (NONE, None, &[("x", "1")], None, Nobody, Uncertain),
        // All are missing: dropped from an empty room, if the sequence did not decrease.
        (TWO, Some(2), NONE, Some(4), Nobody, Ours),
        (TWO, Some(2), NONE, Some(0), Nobody, Uncertain),
        (TWO, None, NONE, Some(0), Nobody, Unproven),
        (TWO, Some(2), NONE, None, Nobody, Unproven),
        (TWO, Some(2), NONE, Some(4), Count(3), Uncertain),
        (TWO, Some(2), NONE, Some(4), Unknown, Uncertain),
        // There is nothing to compare.
        (NONE, None, NONE, None, Nobody, Unproven),
        (NONE, Some(0), NONE, Some(0), Count(300), Unproven),
        (NONE, Some(2), NONE, Some(2), Nobody, Ours),
    ];
    for (recorded, before, seen, now, people, expected) in table {
        let record = RecordedRoom { attribute_sequence: *before, ..record(recorded) };
        let seen = ObservedRoom {
            attribute_sequence: *now,
            ..with_attributes(observed_room(*people, 5), seen)
        };
        let actual = owner_of(&zim(), PendingKind::Destroy, &record, &seen);
        assert_eq!(actual, *expected, "{recorded:?} {before:?} {seen:?}");
    }
}

#[test]
fn a_destroy_of_a_replace_also_compares_attributes_of_others() {
    let carried = attributes(&[("score", "7")]);
    let record = record(&[]).replaced_by(room(&[]), carried);
    for (seen, expected) in
        [(&[("score", "7")][..], RoomOwner::Ours), (&[("score", "8")], RoomOwner::Uncertain)]
    {
        let seen = with_attributes(observed_room(People::Nobody, 5), seen);
        assert_eq!(owner_of(&zim(), PendingKind::Destroy, &record, &seen), expected);
    }
}

#[test]
fn a_live_room_of_another_owner_is_not_the_one_to_destroy() {
    let owned = |owner: &str| {
        let fields = [(Field::Owner, Value::Text(owner.into()))].into_iter().collect();
        let seen = with_attributes(observed_room(People::Unknown, 5), &[("a", "1")]);
        owner_of(
            &live(),
            PendingKind::Destroy,
            &record(&[("a", "1")]),
            &ObservedRoom { fields, ..seen },
        )
    };
    assert_eq!((owned("admin"), owned("theirs")), (RoomOwner::Ours, RoomOwner::Uncertain));
    // Tencent keeps the metadata of an empty room.
    let lost = observed_room(People::Nobody, 5);
    let actual = owner_of(&live(), PendingKind::Destroy, &record(&[("a", "1")]), &lost);
    assert_eq!(actual, RoomOwner::Uncertain);
}

const OUR_LINEAGE: &str = "7e9bb6ff-0d44-4ef7-9df9-7f1f5b8a1f44";
const OTHER_LINEAGE: &str = "00000000-0000-4000-8000-000000000000";

fn with_owner(application: Application) -> Application {
    let lineage = Lineage(OUR_LINEAGE.to_owned());
    application.with_ownership_attribute("by").of_lineage(&lineage)
}

/// Attributes recorded, attributes observed, owner after an open create, owner after an open destroy.
type Owned = (Pairs, Pairs, RoomOwner, RoomOwner);

#[test]
fn the_ownership_attribute_decides_the_owner() {
    use RoomOwner::{Foreign, Ours, Uncertain};
    const SENT: Pairs = &[("a", "1"), ("by", OUR_LINEAGE)];
    let table: &[Owned] = &[
        (SENT, SENT, Ours, Ours),
        // Ours, regardless of the other attributes.
        (SENT, &[("a", "theirs"), ("by", OUR_LINEAGE), ("x", "1")], Ours, Ours),
        (&[("a", "1")], &[("by", OUR_LINEAGE), ("x", "1")], Ours, Ours),
        // Of another state, regardless of the other attributes.
        (SENT, &[("a", "1"), ("by", OTHER_LINEAGE)], Foreign, Uncertain),
        (&[("a", "1")], &[("a", "1"), ("by", OTHER_LINEAGE)], Foreign, Uncertain),
        // Without a lineage the other attributes decide.
        (SENT, &[("a", "1")], Uncertain, Uncertain),
        (SENT, &[("a", "1"), ("by", "me")], Uncertain, Uncertain),
        (&[("a", "1")], &[("a", "1")], Ours, Ours),
        // It was imported from another state, and is still that room.
        (&[("a", "1"), ("by", OTHER_LINEAGE)], &[("a", "1"), ("by", OTHER_LINEAGE)], Foreign, Ours),
    ];
    for (recorded, seen, created, destroyed) in table {
        let seen = with_attributes(observed_room(People::Count(3), 5), seen);
        for application in [with_owner(zim()), with_owner(live())] {
            let owner = |kind| owner_of(&application, kind, &record(recorded), &seen);
            let actual = (owner(PendingKind::Create), owner(PendingKind::Destroy));
            assert_eq!(actual, (*created, *destroyed), "{recorded:?} {seen:?}");
        }
    }
}

#[test]
fn a_room_that_appeared_later_is_ours_if_it_has_our_lineage() {
    let sent = record(&[("by", OUR_LINEAGE)]);
    let pending = Pending::new(PendingKind::Create, Timestamp::from_millis(SENT), None);
    let settled = |lineage: &str| {
        let seen = with_attributes(observed_room(People::Nobody, 5), &[("by", lineage)]);
        let there = Observation::There(seen);
        settle(&with_owner(zim()), &sent, &pending, Some(&there), Landing::FoundMissing)
    };
    assert!(matches!(settled(OUR_LINEAGE), Settled::Done(_)));
    assert_eq!(settled(OTHER_LINEAGE), Settled::Foreign(None));
    assert!(matches!(settled("me"), Settled::Contested(_)));
}

#[test]
fn an_open_update_does_not_record_what_another_state_wrote() {
    let before = record(&[("a", "1"), ("by", OUR_LINEAGE)]);
    let target = Some(room(&[("a", "2"), ("by", OUR_LINEAGE)]));
    let at = Timestamp::from_millis(SENT);
    let pending = Pending::new(PendingKind::Update, at, target);
    let seen =
        with_attributes(observed_room(People::Nobody, 5), &[("a", "2"), ("by", OTHER_LINEAGE)]);
    let there = Observation::There(seen);
    let settled = settle(&with_owner(zim()), &before, &pending, Some(&there), Landing::Over);
    let Settled::NotDone(after) = settled else { panic!("{settled:?}") };
    assert_eq!(after.room, before.room);
}
