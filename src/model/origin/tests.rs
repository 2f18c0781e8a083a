//! Tables of what may be observed after an open create and an open destroy, and whose the room is.

use std::sync::Arc;

use super::super::samples::{self, attributes};
use super::super::{
    Assumed, Landing, Lineage, Observation, Pending, PendingKind, Room, Settled, settle,
};
use super::*;

pub(in crate::model) const SENT: i64 = 1_000_000;

/// A moment so many milliseconds after the call was sent.
pub(in crate::model) fn later(after: u64) -> Timestamp {
    Timestamp::from_millis(SENT).plus(Duration::from_millis(after))
}

pub(in crate::model) fn room(pairs: &[(&str, &str)]) -> Arc<Room> {
    Arc::new(Room { attributes: attributes(pairs), ..Room::default() })
}

pub(in crate::model) fn record(pairs: &[(&str, &str)]) -> RecordedRoom {
    samples::record(room(pairs), Timestamp::from_millis(SENT))
}

/// A room without attributes, seen so many milliseconds after the call was sent.
pub(in crate::model) fn observed_room(people: People, after: u64) -> ObservedRoom {
    samples::observed_room(later(after), people, Attributes::EMPTY)
}

pub(in crate::model) fn with_attributes(
    seen: ObservedRoom,
    pairs: &[(&str, &str)],
) -> ObservedRoom {
    ObservedRoom { attributes: attributes(pairs), ..seen }
}

/// Whose a room is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    Ours,
    Foreign,
    Uncertain,
    /// Ours as far as we know: nothing could be compared.
    Unproven,
}

fn whose(
    application: &Application,
    kind: PendingKind,
    record: &RecordedRoom,
    seen: &ObservedRoom,
) -> Whose {
    let pending = Pending::new(kind, Timestamp::from_millis(SENT), None);
    let observation = Observation::There(seen.clone());
    match settle(application, record, &pending, Some(&observation), Landing::Over) {
        Settled::Done(_) | Settled::NotDone(_) => Whose::Ours,
        Settled::Contested(record) => {
            assert!(record.contested.is_some() && record.pending.is_none());
            Whose::Uncertain
        }
        Settled::Foreign(left) => {
            assert_eq!(left, None, "it is not recorded");
            Whose::Foreign
        }
        Settled::Unproven(record) => {
            assert_eq!(record.assumed, Assumed::of(application.kind()));
            Whose::Unproven
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

/// Sent, seen, inside, count of changes, milliseconds after the create, whose it is.
type Created = (Pairs, Pairs, People, Option<u64>, u64, Whose);

/// What is told of a live room, milliseconds after the create, whose it is.
type Told = (&'static [(Field, &'static str)], u64, Whose);

/// Recorded, with this count of changes, seen, with this count, inside, whose it is.
type NotDestroyed = (Pairs, Option<u64>, Pairs, Option<u64>, People, Whose);

#[test]
fn whose_a_room_is_after_an_open_create() {
    use People::{AtLeast, Count, Nobody, Unknown};
    use Whose::{Ours, Uncertain};
    let table: &[Created] = &[
        // Nothing was sent: only what others wrote tells.
        (NONE, NONE, Nobody, None, 5, Ours),
        (NONE, NONE, Count(3), Some(0), 5, Ours),
        (NONE, &[("x", "1")], Nobody, Some(1), 5, Uncertain),
        (NONE, &[("x", "1")], Count(300), None, 2 * MINUTE, Uncertain),
        // All of it is there: a higher count is what others changed since.
        (TWO, TWO, Nobody, Some(2), 5, Ours),
        (TWO, TWO, Count(3), Some(9), 2 * MINUTE, Ours),
        (TWO, TWO, Unknown, None, 5, Ours),
        // Something else is there as well, or in its place.
        (TWO, &[("a", "1"), ("b", "2"), ("x", "1")], Nobody, Some(3), 5, Uncertain),
        (TWO, &[("a", "1"), ("b", "2"), ("x", "1")], Count(3), None, 2 * MINUTE, Uncertain),
        (TWO, &[("a", "1"), ("b", "other")], Nobody, Some(2), 5, Uncertain),
        (TWO, &[("x", "1")], Nobody, Some(1), 2 * MINUTE, Uncertain),
        // A part of it is there: what the service drops, it drops as a whole.
        (TWO, &[("a", "1")], Nobody, Some(2), 2 * MINUTE, Uncertain),
        // Nothing is there: dropped, where the room can have been emptied.
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
        let came = whose(&zim(), PendingKind::Create, &record(sent), &seen);
        assert_eq!(came, *expected, "{sent:?} {seen:?}");
    }
}

#[test]
fn a_clock_that_was_set_back_makes_no_room_ours() {
    let seen = ObservedRoom { at: Timestamp::from_millis(0), ..observed_room(People::Nobody, 0) };
    let came = whose(&zim(), PendingKind::Create, &record(&[("a", "1")]), &seen);
    assert_eq!(came, Whose::Uncertain);
}

#[test]
fn what_goes_with_its_user_is_no_sign_of_another_room() {
    let mut sent = record(&[("a", "1")]);
    let mut attributes = sent.room.attributes.clone();
    attributes.insert("hello", Attribute { value: "x".into(), auto_delete: true });
    sent.room = Arc::new(Room { attributes, ..Room::default() });
    for kind in [PendingKind::Create, PendingKind::Destroy] {
        let seen = with_attributes(observed_room(People::Count(1), 5), &[("a", "1")]);
        assert_eq!(whose(&zim(), kind, &sent, &seen), Whose::Ours, "{kind:?}");
        let seen = with_attributes(observed_room(People::Count(1), 5), &[("a", "theirs")]);
        assert_eq!(whose(&zim(), kind, &sent, &seen), Whose::Uncertain, "{kind:?}");
    }
}

#[test]
fn whose_a_live_room_is_after_an_open_create() {
    use Whose::{Ours, Uncertain};
    let text = |text: &str| Value::Text(text.into());
    let mut sent = record(&[]);
    let mut room = Room::default();
    room.set(Field::Name, Some(text("Show")));
    room.set(Field::SeatTemplate, Some(text("Karaoke")));
    sent.room = Arc::new(room);
    let table: &[Told] = &[
        (&[], 5, Ours),
        (&[(OWNER, "admin"), (SEATS, "Karaoke"), (NAME, "Show")], 5, Ours),
        (&[(OWNER, "theirs")], 5, Uncertain),
        (&[(OWNER, "theirs")], 2 * MINUTE, Uncertain),
        (&[(SEATS, "AudioSalon")], 2 * MINUTE, Uncertain),
        (&[(NAME, "Theirs")], 5, Uncertain),
        // Its host may have named it since.
        (&[(NAME, "Theirs")], 2 * MINUTE, Ours),
    ];
    for (told, after, expected) in table {
        let fields = told.iter().map(|(field, value)| (*field, text(value))).collect();
        let seen = ObservedRoom { fields, ..observed_room(People::Unknown, *after) };
        assert_eq!(whose(&live(), PendingKind::Create, &sent, &seen), *expected, "{told:?}");
    }
    // Its metadata comes by a call of its own: what is there before it is somebody else's.
    let seen = with_attributes(observed_room(People::Nobody, 5), &[("a", "1")]);
    assert_eq!(whose(&live(), PendingKind::Create, &sent, &seen), Uncertain);
    let mut owned = sent.room.as_ref().clone();
    owned.set(OWNER, Some(text("anchor")));
    sent.room = Arc::new(owned);
    for (told, expected) in [("anchor", Ours), ("admin", Uncertain)] {
        let fields = [(OWNER, text(told))].into_iter().collect();
        let seen = ObservedRoom { fields, ..observed_room(People::Unknown, 5) };
        assert_eq!(whose(&live(), PendingKind::Create, &sent, &seen), expected, "{told}");
    }
}

#[test]
fn whose_a_room_is_after_an_open_destroy() {
    use People::{Count, Nobody, Unknown};
    use Whose::{Ours, Uncertain, Unproven};
    let table: &[NotDestroyed] = &[
        // All that was recorded is there.
        (TWO, Some(2), TWO, Some(2), Nobody, Ours),
        (TWO, None, TWO, None, Count(3), Ours),
        (TWO, Some(2), &[("a", "1"), ("b", "2"), ("x", "1")], Some(3), Count(3), Ours),
        // A lower count is another room, also where it looks the same.
        (TWO, Some(5), TWO, Some(2), Nobody, Uncertain),
        (NONE, Some(3), NONE, Some(0), Nobody, Uncertain),
        // Other attributes.
        (TWO, Some(2), &[("x", "1")], Some(2), Nobody, Uncertain),
        (TWO, None, &[("a", "1"), ("b", "other")], None, Nobody, Uncertain),
        (TWO, None, &[("a", "1")], None, Nobody, Uncertain),
        (NONE, Some(0), &[("x", "1")], Some(1), Count(300), Uncertain),
        (NONE, None, &[("x", "1")], None, Nobody, Uncertain),
        // None at all: dropped from an empty room, if the count goes on.
        (TWO, Some(2), NONE, Some(4), Nobody, Ours),
        (TWO, Some(2), NONE, Some(0), Nobody, Uncertain),
        (TWO, None, NONE, Some(0), Nobody, Unproven),
        (TWO, Some(2), NONE, None, Nobody, Unproven),
        (TWO, Some(2), NONE, Some(4), Count(3), Uncertain),
        (TWO, Some(2), NONE, Some(4), Unknown, Uncertain),
        // Nothing to compare.
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
        let came = whose(&zim(), PendingKind::Destroy, &record, &seen);
        assert_eq!(came, *expected, "{recorded:?} {before:?} {seen:?}");
    }
}

#[test]
fn a_destroy_of_a_replace_compares_what_others_wrote_too() {
    let carried = attributes(&[("score", "7")]);
    let record = record(&[]).replaced_by(room(&[]), carried);
    for (seen, expected) in
        [(&[("score", "7")][..], Whose::Ours), (&[("score", "8")], Whose::Uncertain)]
    {
        let seen = with_attributes(observed_room(People::Nobody, 5), seen);
        assert_eq!(whose(&zim(), PendingKind::Destroy, &record, &seen), expected);
    }
}

#[test]
fn a_live_room_of_another_owner_is_not_the_one_that_was_to_go() {
    let owned = |owner: &str| {
        let fields = [(Field::Owner, Value::Text(owner.into()))].into_iter().collect();
        let seen = with_attributes(observed_room(People::Unknown, 5), &[("a", "1")]);
        whose(
            &live(),
            PendingKind::Destroy,
            &record(&[("a", "1")]),
            &ObservedRoom { fields, ..seen },
        )
    };
    assert_eq!((owned("admin"), owned("theirs")), (Whose::Ours, Whose::Uncertain));
    // Tencent keeps the metadata of an empty room.
    let lost = observed_room(People::Nobody, 5);
    let came = whose(&live(), PendingKind::Destroy, &record(&[("a", "1")]), &lost);
    assert_eq!(came, Whose::Uncertain);
}

const OUR_LINEAGE: &str = "7e9bb6ff-0d44-4ef7-9df9-7f1f5b8a1f44";
const OTHER_LINEAGE: &str = "00000000-0000-4000-8000-000000000000";

fn with_owner(application: Application) -> Application {
    let lineage = Lineage(OUR_LINEAGE.to_owned());
    application.with_ownership_attribute("by").of_lineage(&lineage)
}

/// Recorded, seen, whose it is after an open create, and after an open destroy.
type Owned = (Pairs, Pairs, Whose, Whose);

#[test]
fn the_ownership_attribute_settles_whose_a_room_is() {
    use Whose::{Foreign, Ours, Uncertain};
    const SENT: Pairs = &[("a", "1"), ("by", OUR_LINEAGE)];
    let table: &[Owned] = &[
        (SENT, SENT, Ours, Ours),
        // Ours, whatever else is there.
        (SENT, &[("a", "theirs"), ("by", OUR_LINEAGE), ("x", "1")], Ours, Ours),
        (&[("a", "1")], &[("by", OUR_LINEAGE), ("x", "1")], Ours, Ours),
        // Another's, however much it looks like ours.
        (SENT, &[("a", "1"), ("by", OTHER_LINEAGE)], Foreign, Uncertain),
        (&[("a", "1")], &[("a", "1"), ("by", OTHER_LINEAGE)], Foreign, Uncertain),
        // What holds no lineage proves nothing: the rest decides.
        (SENT, &[("a", "1")], Uncertain, Uncertain),
        (SENT, &[("a", "1"), ("by", "me")], Uncertain, Uncertain),
        (&[("a", "1")], &[("a", "1")], Ours, Ours),
        // It was imported from another state, and is that room still.
        (&[("a", "1"), ("by", OTHER_LINEAGE)], &[("a", "1"), ("by", OTHER_LINEAGE)], Foreign, Ours),
    ];
    for (recorded, seen, created, destroyed) in table {
        let seen = with_attributes(observed_room(People::Count(3), 5), seen);
        for application in [with_owner(zim()), with_owner(live())] {
            let whose = |kind| whose(&application, kind, &record(recorded), &seen);
            let came = (whose(PendingKind::Create), whose(PendingKind::Destroy));
            assert_eq!(came, (*created, *destroyed), "{recorded:?} {seen:?}");
        }
    }
}

#[test]
fn a_room_that_appeared_after_ours_was_found_missing_is_ours_if_it_holds_our_lineage() {
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
fn what_another_state_wrote_is_not_taken_for_ours_after_an_open_update() {
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
