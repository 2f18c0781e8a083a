//! Tests of the comparison of a room with its record: what is drift and what is not.

use super::*;
use crate::model::{Drift, DriftKind, Value, ValueChange};
use crate::planner;

const OURS: &[(&str, &str)] = &[("mood", "calm"), ("topic", "welcome")];

/// Compares one room, recorded with the attributes of `OURS` and an hour of delay.
fn compared(change: impl FnOnce(&mut RecordedRoom), observation: Observation) -> Drift {
    let mut world = World::new();
    let mut recorded = record(room("Lobby", OURS));
    change(&mut recorded);
    world.recorded.rooms.insert(address("chat/lobby"), recorded);
    world.observed.rooms.insert(address("chat/lobby"), observation);
    planner::drift(&world.desired, &world.recorded, &world.observed, world.in_progress.as_ref())
}

fn kind(drift: &Drift) -> Option<DriftKind> {
    drift.rooms.first().map(|room| room.kind)
}

fn text(value: &str) -> Value {
    Value::Text(value.into())
}

fn with_sequence(sequence: u64) -> Observation {
    match there(People::Count(1), OURS) {
        Observation::There(room) => {
            Observation::There(ObservedRoom { attribute_sequence: Some(sequence), ..room })
        }
        other @ (Observation::Unread { .. } | Observation::Gone(_)) => other,
    }
}

#[test]
fn a_gone_room_vanished_before_or_after_its_earliest_end() {
    let early = compared(|_| {}, Observation::Gone(at(0)));
    assert_eq!(kind(&early), Some(DriftKind::VanishedEarly));
    assert_eq!(early.summary.vanished_early, 1);
    let late = compared(|recorded| recorded.created = at(-3600), Observation::Gone(at(0)));
    assert_eq!(kind(&late), Some(DriftKind::Vanished));
}

#[test]
fn changed_attributes_are_listed_with_old_and_new_values() {
    let drift = compared(|_| {}, there(People::Nobody, &[("topic", "theirs"), ("x", "1")]));
    assert_eq!(kind(&drift), Some(DriftKind::AttributesChanged));
    let change = |path: &str, before, after| ValueChange { path: path.into(), before, after };
    assert_eq!(
        drift.rooms[0].changes,
        [
            change("attributes.mood", Some(text("calm")), None),
            change("attributes.topic", Some(text("welcome")), Some(text("theirs"))),
        ]
    );
    assert_eq!(drift.unmanaged[0].attributes, attributes(&[("x", "1")]));
}

#[test]
fn attributes_that_an_empty_room_dropped_are_not_reported_as_deleted() {
    let empty = compared(|_| {}, there(People::Nobody, &[]));
    assert_eq!(kind(&empty), Some(DriftKind::AttributesLost));
    let occupied = compared(|_| {}, there(People::Count(2), &[]));
    assert_eq!(kind(&occupied), Some(DriftKind::AttributesChanged));
}

#[test]
fn a_lower_attribute_sequence_means_that_someone_recreated_the_room() {
    let recorded = |recorded: &mut RecordedRoom| recorded.attribute_sequence = Some(9);
    assert_eq!(kind(&compared(recorded, with_sequence(8))), Some(DriftKind::Recreated));
    assert_eq!(kind(&compared(recorded, with_sequence(9))), None);
    assert_eq!(kind(&compared(recorded, with_sequence(10))), None);
}

#[test]
fn attributes_of_others_and_auto_deleted_ones_are_not_drift() {
    let others = compared(|_| {}, there(People::Count(1), &[OURS[0], OURS[1], ("x", "1")]));
    assert_eq!((kind(&others), others.summary.in_sync), (None, 1));
    assert_eq!(others.unmanaged.len(), 1);
    let mut fading = Room::clone(&room("Lobby", OURS));
    let mood = Attribute { value: "calm".into(), auto_delete: true };
    fading.attributes.insert("mood", mood);
    let left = compared(
        |recorded| recorded.room = Arc::new(fading),
        there(People::Count(1), &[("topic", "welcome")]),
    );
    assert_eq!(kind(&left), None);
}

#[test]
fn a_room_that_could_not_be_read_is_neither_in_sync_nor_drifted() {
    let drift = compared(|_| {}, Observation::Unread { why: "time-out".to_owned() });
    assert_eq!((drift.summary.in_sync, drift.rooms.len(), drift.unread.len()), (0, 0, 1));
    let contested = |recorded: &mut RecordedRoom| recorded.contested = Some("why".into());
    let drift = compared(contested, there(People::Nobody, &[]));
    assert_eq!((drift.rooms.len(), drift.unread.len()), (0, 1));
}
