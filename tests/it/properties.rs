//! Properties of an apply that hold for any declared rooms, any record and any change by other clients.

mod case;

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use roomctl::model::{Action, Address, Desired, Kind, OnOccupied, Plan, Refresh, Step};
use roomctl::render;

use case::{Case, FOREIGN, some_case};

use crate::support::fleet::provider;
use crate::support::{
    AppStats, Fuse, RunOptions, RunResult, World, at, service, text, with_paused_clock,
};

type Checked = Result<(), TestCaseError>;

/// Applies the first edition, runs the events, and applies the second edition twice: with a refresh of
/// the due rooms only, then of every room.
async fn check_case(case: &Case) -> Checked {
    let world = World::new(service());
    let first = world.declare(&case.first.text());
    for connection in world.connect(&first, &Fuse::never()).values() {
        // A plan does not register the operator: without one, rooms would be unread.
        connection.client.register_user(None).await.expect("registered");
    }
    let how = RunOptions::with_consent();
    world.apply(&first, &how).await.expect("a state").ran();
    case.run_events(&world, &first).await;
    let desired = world.declare(&case.second.text());
    plans_are_deterministic(&world, case).await?;
    for refresh in [Refresh::Due, Refresh::All] {
        let stats = || Kind::ALL.iter().map(|kind| (*kind, world.stats_of(*kind)));
        let before: Vec<(Kind, AppStats)> = stats().collect();
        let recorded = world.recorded().await.expect("a state");
        let ours: BTreeSet<Address> = recorded.rooms.keys().cloned().collect();
        let how = RunOptions::with_consent().refresh(refresh);
        let ran = world.apply(&desired, &how).await.expect("a state").ran();
        for ((kind, before), (_, after)) in before.iter().zip(stats()) {
            unmanaged_is_left_alone(*kind, &desired, &ran, before, &after, &ours)?;
        }
    }
    has_converged(&world, &desired).await
}

/// The plan after a complete apply has no steps.
async fn has_converged(world: &World, desired: &Desired) -> Checked {
    let plan = world.plan(desired, Refresh::All).await.expect("a plan");
    let text = text(&plan);
    prop_assert!(plan.steps.is_empty() && plan.unread.is_empty(), "{text}");
    Ok(())
}

/// Equal inputs give byte-equal plans, in whichever order the file lists the rooms; only the line numbers
/// differ.
async fn plans_are_deterministic(world: &World, case: &Case) -> Checked {
    let mut bytes = BTreeSet::new();
    for text in [case.second.text(), case.second.text(), case.second.reversed().text()] {
        let desired = world.declare(&text);
        let mut plan = world.plan(&desired, Refresh::All).await.expect("a plan");
        is_ordered(&plan)?;
        let held = plan.waiting.iter_mut().chain(&mut plan.blocked).map(|held| &mut held.step);
        plan.steps.iter_mut().chain(held).for_each(|step| step.line = None);
        let mut out = Vec::new();
        render::plan_json(&mut out, &plan).expect("rendered");
        bytes.insert(out);
    }
    prop_assert_eq!(bytes.len(), 1);
    world.declare(&case.second.text());
    Ok(())
}

/// Steps that free quota come first; within each action, steps are ordered by kind and address.
fn is_ordered(plan: &Plan) -> Checked {
    let rank = |action| match action {
        Action::Destroy => 0,
        Action::Replace => 1,
        Action::Update => 2,
        Action::Create | Action::Recreate => 3,
        Action::Adopt => 4,
        Action::Record => 5,
        Action::Forget => 6,
    };
    let kind = |at: &Address| Kind::ALL.iter().find(|it| provider(**it) == at.provider.as_str());
    let key = |step: &Step| (rank(step.action), kind(&step.address).copied(), step.address.clone());
    let keys: Vec<_> = plan.steps.iter().map(key).collect();
    prop_assert!(keys.is_sorted(), "{keys:?}");
    Ok(())
}

/// No unrecorded room is destroyed, `on_occupied: defer` disconnects no one, and keys of other clients
/// survive unless their room is destroyed; a replace keeps them too.
fn unmanaged_is_left_alone(
    kind: Kind,
    desired: &Desired,
    ran: &RunResult,
    before: &AppStats,
    after: &AppStats,
    ours: &BTreeSet<Address>,
) -> Checked {
    let steps = |action| {
        let steps = ran.plan.steps.iter().filter(move |step| step.action == action);
        steps.map(|step| &step.address).collect::<BTreeSet<_>>()
    };
    let (destroyed, replaced) = (steps(Action::Destroy), steps(Action::Replace));
    for (id, room) in &before.rooms {
        let now = after.rooms.get(id);
        let address = at(provider(kind), id.as_str());
        if !ours.contains(&address) {
            prop_assert!(now.is_some(), "{id} is gone, but was not recorded");
        }
        if desired.policy.on_occupied([kind]) == OnOccupied::Defer && room.people > 0 {
            let inside = now.map(|now| now.people);
            prop_assert_eq!(inside, Some(room.people), "{}: people were disconnected", id);
        }
        let Some(now) = now else { continue };
        if destroyed.contains(&address) {
            continue;
        }
        for key in FOREIGN {
            prop_assert_eq!(now.attributes.get(key), room.attributes.get(key), "{}: {}", id, key);
        }
        if replaced.contains(&address) {
            continue;
        }
        prop_assert_eq!(now.people, room.people, "{}", id);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_apply_converges_and_leaves_the_unmanaged_alone(case in some_case()) {
        with_paused_clock(check_case(&case))?;
    }
}
