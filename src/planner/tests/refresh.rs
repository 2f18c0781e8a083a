//! Tests of the rooms that are queried, the time of observations, and the counts of rooms that were not
//! read.

use super::steps::pending;
use super::*;
use crate::model::{OnConflict, OnOccupied, PendingKind, Reason, Summary};

#[test]
fn due_and_pending_rooms_are_queried() {
    let assumed = Assumed { name: true, destroy_delay_time: true };
    let imported = RecordedRoom { assumed, ..record(room("A", &[])) };
    let occupied = RecordedRoom {
        last_seen: Some(at(-5)),
        last_seen_with_people: Some(at(-5)),
        ..record(room("A", &[]))
    };
    let left = RecordedRoom { last_seen: Some(at(-4)), ..occupied.clone() };
    let world = World::new()
        .declare("chat/unrecorded", room("A", &[]))
        .declare("chat/young", room("A", &[]))
        .declare("chat/kept", room("A", &[]))
        .declare("chat/replaced", room("B", &[]))
        .record("chat/young", record(room("A", &[])))
        .record("chat/old", RecordedRoom { created: at(-3600), ..record(room("A", &[])) })
        .record("chat/open", pending(PendingKind::Create, 1))
        .record("chat/imported", imported.clone())
        .record("chat/imported-old", RecordedRoom { created: at(-3600), ..imported })
        .record("chat/kept", occupied.clone())
        .record("chat/replaced", occupied.clone())
        .record("chat/destroyed", occupied)
        .record("chat/left", left);
    let due = ["chat/destroyed", "chat/imported-old", "chat/old", "chat/open", "chat/replaced"];
    assert_eq!(world.due(Refresh::Due, Purpose::Plan), due);
    assert_eq!(world.due(Refresh::Due, Purpose::Apply), due);
    assert_eq!(world.due(Refresh::Never, Purpose::Plan), [""; 0]);
    assert_eq!(world.due(Refresh::All, Purpose::Plan).len(), 10);
    assert_eq!(world.due(Refresh::All, Purpose::Apply).len(), 9);
    let on_occupied_destroy = world.policy(|policy| policy.on_occupied = Some(OnOccupied::Destroy));
    let due = ["chat/imported-old", "chat/old", "chat/open"];
    assert_eq!(on_occupied_destroy.due(Refresh::Due, Purpose::Plan), due);
}

#[test]
fn an_unrecorded_room_is_queried_if_it_would_be_adopted() {
    let world = World::new()
        .declare("chat/new", room("A", &[]))
        .declare("chat/young", room("A", &[]))
        .record("chat/young", record(room("A", &[])));
    assert_eq!(world.due(Refresh::Due, Purpose::Plan), [""; 0]);
    let adopting = world.policy(|policy| policy.on_conflict = OnConflict::Adopt);
    for purpose in [Purpose::Plan, Purpose::Apply] {
        assert_eq!(adopting.due(Refresh::Due, purpose), ["chat/new"]);
        assert_eq!(adopting.due(Refresh::All, purpose), ["chat/new", "chat/young"]);
        assert_eq!(adopting.due(Refresh::Never, purpose), [""; 0]);
    }
}

#[test]
fn early_vanishing_is_decided_by_the_time_of_the_query() {
    let reason = |queried_at| {
        let world = World::new()
            .declare("chat/a", room("A", &[]))
            .record("chat/a", RecordedRoom { created: at(-3600), ..record(room("A", &[])) })
            .observe("chat/a", Observation::Gone(queried_at));
        world.plan().steps[0].reason
    };
    assert_eq!(reason(at(0)), Reason::Vanished);
    assert_eq!(reason(at(-1)), Reason::VanishedEarly);
}

#[test]
fn rooms_without_credentials_are_planned_as_recorded() {
    let mut world = World::new()
        .declare("chat/old", room("A", &[]))
        .record("chat/old", RecordedRoom { created: at(-3600), ..record(room("A", &[])) })
        .declare("chat/open", room("A", &[("k", "v")]))
        .record("chat/open", pending(PendingKind::Create, 1));
    assert_eq!(world.plan().unread.len(), 1, "queried without an answer");
    world.observed.not_asked.insert(provider("chat").name, 2);
    let plan = world.plan();
    assert!(plan.has_nothing_to_do());
    assert_eq!(plan.summary, Summary { unchanged: 2, not_asked: 2, ..Summary::default() });
}

#[test]
fn held_steps_are_counted_and_are_not_unchanged() {
    let protected = Lifecycle { prevent_destroy: true, ..Lifecycle::default() };
    let mut world = World::new()
        .declare("chat/kept", room("A", &[]))
        .record("chat/kept", record(room("A", &[])))
        .record("chat/hall", RecordedRoom { lifecycle: protected, ..record(room("A", &[])) })
        .declare("chat/new", room("A", &[]))
        .declare("chat/silent", room("A", &[]))
        .record("chat/silent", record(room("A", &[])))
        .observe("chat/silent", Observation::Unread { why: "no answer".to_owned() });
    world.chat().max_rooms = Some(1);
    let held = Summary { unchanged: 1, blocked: 2, unread: 1, asked: 1, ..Summary::default() };
    assert_eq!(world.plan().summary, held);
}

#[test]
fn a_conflict_reports_the_other_name_a_room_is_recorded_under() {
    let mut world = World::new()
        .declare("chat/hall", room("A", &[]))
        .observe("chat/hall", there(People::Nobody, &[]))
        .record("talk/hall", record(room("A", &[])));
    let of = |app_id| ProviderIdentity { kind: Kind::Zim, app_id, host: None };
    let talk = ProviderName::new("talk").expect("a name");
    let mut named = |app_id| {
        world.recorded.providers.insert(talk.clone(), of(app_id));
        let findings = world.plan().findings;
        findings.into_iter().find(|finding| finding.code == "recorded_elsewhere")
    };
    let finding = named(1).expect("a finding");
    assert_eq!(finding.message, "chat/hall is recorded as talk/hall, in the same application");
    assert_eq!(named(2), None, "another application");
}

#[test]
fn people_inside_postpone_the_earliest_end_of_a_room() {
    let seen = RecordedRoom {
        created: at(-9000),
        last_seen: Some(at(-1)),
        last_seen_with_people: Some(at(-3599)),
        ..record(room("A", &[]))
    };
    let world = World::new().declare("chat/a", room("A", &[])).record("chat/a", seen);
    assert_eq!(world.due(Refresh::Due, Purpose::Plan), [""; 0]);
    let gone = world.observe("chat/a", Observation::Gone(at(0)));
    assert_eq!(gone.plan().steps[0].reason, Reason::VanishedEarly);
}
