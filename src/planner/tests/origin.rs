//! Tests of rooms of uncertain origin: blocked, regardless of files and flags, until they are gone.

use super::steps::pending;
use super::*;
use crate::model::{Action, Held, HeldReason, OnConflict, OnOccupied, PendingKind, Reason};

const WHY: &str = "it has attributes that were not sent: `x`";

fn contested() -> RecordedRoom {
    RecordedRoom { contested: Some(WHY.into()), ..record(room("A", &[("k", "v")])) }
}

fn blocked(plan: &Plan) -> (Action, HeldReason) {
    assert_eq!(plan.steps, []);
    let [Held { step, reason }] = &plan.blocked[..] else { panic!("{:?}", plan.blocked) };
    assert!(plan.findings.iter().any(|it| it.code == "contested" && it.message.contains(WHY)));
    (step.action, *reason)
}

#[test]
fn a_contested_room_is_blocked_in_every_case_in_which_it_may_exist() {
    let seen = [
        None,
        Some(there(People::Nobody, &[("k", "v")])),
        Some(there(People::Count(3), &[("k", "v"), ("x", "y")])),
    ];
    let declared = [room("A", &[("k", "v")]), room("A", &[("k", "w")]), room("B", &[("k", "v")])];
    for seen in seen {
        let seen = |world: World| match &seen {
            Some(seen) => world.observe("chat/a", seen.clone()),
            None => world,
        };
        for declared in &declared {
            let world = World::new().declare("chat/a", declared.clone());
            let plan = seen(world.record("chat/a", contested())).plan();
            assert_eq!(blocked(&plan), (Action::Create, HeldReason::Contested));
        }
        let undeclared = seen(World::new().record("chat/a", contested())).plan();
        assert_eq!(blocked(&undeclared), (Action::Destroy, HeldReason::Contested));
    }
}

#[test]
fn no_policy_and_no_flag_unblocks_a_contested_room() {
    let world = World::new()
        .declare("chat/a", room("A", &[("k", "v")]))
        .record("chat/a", contested())
        .record("chat/b", contested())
        .observe("chat/a", there(People::Count(3), &[("k", "v")]))
        .policy(|policy| {
            policy.on_conflict = OnConflict::Adopt;
            policy.on_occupied = Some(OnOccupied::Destroy);
        });
    let world = World { evict: [address("chat/a"), address("chat/b")].into(), ..world };
    let plan = world.plan();
    assert_eq!((plan.steps.len(), plan.blocked.len()), (0, 2));
    let destroyed = World { desired: World::new().desired, ..world }.plan();
    assert_eq!((destroyed.steps.len(), destroyed.blocked.len()), (0, 2));
    let forgets = contested();
    let forgets = RecordedRoom {
        lifecycle: Lifecycle { on_remove: crate::model::OnRemove::Forget, ..Lifecycle::default() },
        ..forgets
    };
    let plan = World::new().record("chat/a", forgets).plan();
    assert_eq!(blocked(&plan), (Action::Destroy, HeldReason::Contested));
}

#[test]
fn a_contested_room_that_is_gone_is_created_or_forgotten() {
    let gone =
        World::new().record("chat/a", contested()).observe("chat/a", Observation::Gone(at(0)));
    let plan = gone.clone().declare("chat/a", room("A", &[("k", "v")])).plan();
    assert_eq!((plan.steps[0].action, plan.steps[0].reason), (Action::Create, Reason::NotRecorded));
    assert_eq!(plan.steps[0].weight, crate::model::Weight::Free);
    assert_eq!(gone.plan().steps[0].action, Action::Forget);
    let unread = Observation::Unread { why: "no answer".to_owned() };
    let unread = World::new().record("chat/a", contested()).observe("chat/a", unread).plan();
    assert_eq!((unread.unread.len(), unread.blocked.len()), (1, 0));
}

#[test]
fn a_contested_room_is_queried_by_every_run() {
    let world = World::new().record("chat/a", contested());
    assert_eq!(world.due(Refresh::Due, Purpose::Apply), ["chat/a"]);
    assert!(world.due(Refresh::Never, Purpose::Apply).is_empty());
}

#[test]
fn plan_resolves_open_calls_as_recovery_does() {
    let foreign = World::new()
        .declare("chat/a", room("A", &[("k", "v")]))
        .record("chat/a", pending(PendingKind::Create, 60))
        .observe("chat/a", there(People::Nobody, &[("k", "theirs")]));
    assert_eq!(foreign.plan().blocked[0].reason, HeldReason::Contested);
    let adopt = foreign.clone().policy(|policy| policy.on_conflict = OnConflict::Adopt);
    assert_eq!(adopt.plan().blocked[0].reason, HeldReason::Contested);
    let undeclared = World { desired: World::new().desired, ..foreign };
    assert_eq!(undeclared.plan().blocked[0].reason, HeldReason::Contested);
    let destroyed = World::new()
        .record("chat/a", pending(PendingKind::Destroy, 60))
        .observe("chat/a", there(People::Count(300), &[("theirs", "x")]));
    assert_eq!(destroyed.plan().blocked[0].reason, HeldReason::Contested);
    assert_eq!(destroyed.plan().steps, []);
}

#[test]
fn a_finding_reports_that_the_origin_cannot_be_proven() {
    let mut open = pending(PendingKind::Destroy, 60);
    open.room = room("A", &[]);
    let world = World::new().record("chat/a", open).observe("chat/a", there(People::Nobody, &[]));
    let plan = world.plan();
    assert_eq!(plan.steps[0].action, Action::Destroy);
    assert_eq!(plan.findings[0].code, "origin_unknown");
}
