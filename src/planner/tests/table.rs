//! The decision table: every combination of declared, recorded and observed.

use super::*;
use crate::model::{Action, HeldReason, OnConflict, OnOccupied, Reason};

/// How the declared room compares with the recorded one.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Declared {
    No,
    Equal,
    OtherAttributes,
    OtherName,
    OtherBookkeeping,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Record {
    No,
    Young,
    Old,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Seen {
    NotQueried,
    Unread,
    Gone,
    Empty,
    Occupied,
}

/// The decision on a room, in short.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    Nothing,
    Keep,
    Step(Action, Reason),
    Held(Action, &'static str),
    Unread,
}

const DECLARED: [Declared; 5] = [
    Declared::No,
    Declared::Equal,
    Declared::OtherAttributes,
    Declared::OtherName,
    Declared::OtherBookkeeping,
];
const RECORDS: [Record; 3] = [Record::No, Record::Young, Record::Old];
const SEEN: [Seen; 5] = [Seen::NotQueried, Seen::Unread, Seen::Gone, Seen::Empty, Seen::Occupied];

fn world(declared: Declared, record_: Record, seen: Seen) -> World {
    let mut world = World::new();
    let wanted = match declared {
        Declared::No => None,
        Declared::Equal | Declared::OtherBookkeeping => Some(room("Lobby", &[("topic", "a")])),
        Declared::OtherAttributes => Some(room("Lobby", &[("topic", "b")])),
        Declared::OtherName => Some(room("Lounge", &[("topic", "a")])),
    };
    if let Some(wanted) = wanted {
        world = world.declare("chat/lobby", wanted);
    }
    if declared == Declared::OtherBookkeeping {
        world.desired.rooms[0].source = "other.yaml".into();
    }
    let created = match record_ {
        Record::No => None,
        Record::Young => Some(at(-3599)),
        Record::Old => Some(at(-3600)),
    };
    if let Some(created) = created {
        let lobby = record(room("Lobby", &[("topic", "a")]));
        world = world.record("chat/lobby", RecordedRoom { created, ..lobby });
    }
    let answer = match seen {
        Seen::NotQueried => None,
        Seen::Unread => Some(Observation::Unread { why: "no answer".to_owned() }),
        Seen::Gone => Some(Observation::Gone(at(0))),
        Seen::Empty => Some(there(People::Nobody, &[("topic", "a"), ("theirs", "x")])),
        Seen::Occupied => Some(there(People::Count(3), &[("topic", "a"), ("theirs", "x")])),
    };
    match answer {
        Some(answer) => world.observe("chat/lobby", answer),
        None => world,
    }
}

fn outcome(plan: &Plan) -> Outcome {
    let held = plan.waiting.iter().chain(&plan.blocked);
    let mut all: Vec<Outcome> =
        held.map(|held| Outcome::Held(held.step.action, held.reason.as_str())).collect();
    all.extend(plan.steps.iter().map(|step| Outcome::Step(step.action, step.reason)));
    all.extend(plan.unread.iter().map(|_| Outcome::Unread));
    all.extend((plan.summary.unchanged > 0).then_some(Outcome::Keep));
    assert!(all.len() <= 1, "one room has several decisions: {all:?}");
    all.first().copied().unwrap_or(Outcome::Nothing)
}

/// Returns the documented table, written independently of the planner.
fn expected(declared: Declared, record: Record, seen: Seen, adopt: bool, defer: bool) -> Outcome {
    use Declared::{Equal, No, OtherAttributes, OtherBookkeeping, OtherName};
    if seen == Seen::Unread {
        return Outcome::Unread;
    }
    let exists = matches!(seen, Seen::Empty | Seen::Occupied);
    let waits = seen == Seen::Occupied && defer;
    match (declared, record) {
        (No, Record::No) => Outcome::Nothing,
        (_, Record::No) if exists && adopt => Outcome::Step(Action::Adopt, Reason::AlreadyExists),
        (_, Record::No) if exists => Outcome::Held(Action::Create, "conflict"),
        (_, Record::No) => Outcome::Step(Action::Create, Reason::NotRecorded),
        (No, _) if seen == Seen::Gone => Outcome::Step(Action::Forget, Reason::NotDeclared),
        (No, _) if waits => Outcome::Held(Action::Destroy, "occupied"),
        (No, _) => Outcome::Step(Action::Destroy, Reason::NotDeclared),
        (_, Record::Young) if seen == Seen::Gone => {
            Outcome::Step(Action::Recreate, Reason::VanishedEarly)
        }
        (_, Record::Old) if seen == Seen::Gone => Outcome::Step(Action::Recreate, Reason::Vanished),
        (Equal, _) => Outcome::Keep,
        (OtherAttributes, _) => Outcome::Step(Action::Update, Reason::AttributesChanged),
        (OtherName, _) if waits => Outcome::Held(Action::Replace, "occupied"),
        (OtherName, _) => Outcome::Step(Action::Replace, Reason::NameChanged),
        (OtherBookkeeping, _) => Outcome::Step(Action::Record, Reason::BookkeepingChanged),
    }
}

#[test]
fn every_combination_gives_the_documented_decision() {
    for declared in DECLARED {
        for record in RECORDS {
            for seen in SEEN {
                for (adopt, defer) in [(false, false), (false, true), (true, false), (true, true)] {
                    let on_conflict = if adopt { OnConflict::Adopt } else { OnConflict::Fail };
                    let on_occupied = if defer { OnOccupied::Defer } else { OnOccupied::Destroy };
                    let world = world(declared, record, seen).policy(|policy| {
                        policy.on_conflict = on_conflict;
                        policy.on_occupied = Some(on_occupied);
                    });
                    let wanted = expected(declared, record, seen, adopt, defer);
                    let case = (declared, record, seen, on_conflict, on_occupied);
                    assert_eq!(outcome(&world.plan()), wanted, "{case:?}");
                }
            }
        }
    }
}

#[test]
fn protection_holds_back_destroys_and_replaces_only() {
    for (declared, record_flag, seen) in [
        (Declared::No, true, Seen::NotQueried),
        (Declared::No, true, Seen::Empty),
        (Declared::OtherName, true, Seen::Occupied),
    ] {
        let mut world = world(declared, Record::Old, seen);
        for room in &mut world.desired.rooms {
            room.lifecycle.prevent_destroy = true;
        }
        for record in world.recorded.rooms.values_mut() {
            record.lifecycle.prevent_destroy = record_flag;
        }
        let plan = world.plan();
        assert_eq!(plan.steps, []);
        assert_eq!(plan.blocked[0].reason, HeldReason::PreventDestroy, "{declared:?}");
    }
    let mut gone = world(Declared::No, Record::Old, Seen::Gone);
    gone.recorded.rooms.values_mut().for_each(|record| record.lifecycle.prevent_destroy = true);
    assert_eq!(outcome(&gone.plan()), Outcome::Step(Action::Forget, Reason::NotDeclared));
}
