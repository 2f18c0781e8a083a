//! What holds whatever is declared, recorded and done behind our back.

mod case;

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use roomctl::model::{Action, Address, Desired, Kind, OnOccupied, Plan, Refresh, Step};
use roomctl::render;

use case::{Case, FOREIGN, some_case};

use crate::support::fleet::provider;
use crate::support::{AppStats, Fuse, How, Ran, World, at, in_moved_time, service, text};

type Checked = Result<(), TestCaseError>;

/// Applies the first edition, lets happen what happens, and applies the second: hardly looking, then
/// looking at everything.
async fn live(case: &Case) -> Checked {
    let world = World::new(service());
    let first = world.declare(&case.first.text());
    for connection in world.connect(&first, &Fuse::never()).values() {
        // A plan is never the first to call: it would leave rooms unread.
        connection.client.register_user(None).await.expect("registered");
    }
    let how = How::with_consent();
    world.apply(&first, &how).await.expect("a state").ran();
    case.happen(&world, &first).await;
    let desired = world.declare(&case.second.text());
    stable(&world, case).await?;
    for refresh in [Refresh::Due, Refresh::All] {
        let stats = || Kind::ALL.iter().map(|kind| (*kind, world.stats_of(*kind)));
        let before: Vec<(Kind, AppStats)> = stats().collect();
        let recorded = world.recorded().await.expect("a state");
        let ours: BTreeSet<Address> = recorded.rooms.keys().cloned().collect();
        let how = How::with_consent().refresh(refresh);
        let ran = world.apply(&desired, &how).await.expect("a state").ran();
        for ((kind, before), (_, after)) in before.iter().zip(stats()) {
            others_are_left_alone(*kind, &desired, &ran, before, &after, &ours)?;
        }
    }
    settled(&world, &desired).await
}

/// The plan after a complete apply has no steps.
async fn settled(world: &World, desired: &Desired) -> Checked {
    let plan = world.plan(desired, Refresh::All).await.expect("a plan");
    let text = text(&plan);
    prop_assert!(plan.steps.is_empty() && plan.unread.is_empty(), "{text}");
    Ok(())
}

/// Equal inputs give equal bytes, whatever the order in the file; only the lines differ.
async fn stable(world: &World, case: &Case) -> Checked {
    let mut bytes = BTreeSet::new();
    for text in [case.second.text(), case.second.text(), case.second.backwards().text()] {
        let desired = world.declare(&text);
        let mut plan = world.plan(&desired, Refresh::All).await.expect("a plan");
        in_order(&plan)?;
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

/// Steps that make room start first; by kind and address within each action.
fn in_order(plan: &Plan) -> Checked {
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

/// Nothing is destroyed that is not recorded, nobody is disconnected who was not meant to be, and keys of others stay where their room stays, or is made anew.
fn others_are_left_alone(
    kind: Kind,
    desired: &Desired,
    ran: &Ran,
    before: &AppStats,
    after: &AppStats,
    ours: &BTreeSet<Address>,
) -> Checked {
    let steps = |action| {
        let steps = ran.plan.steps.iter().filter(move |step| step.action == action);
        steps.map(|step| &step.address).collect::<BTreeSet<_>>()
    };
    let (destroyed, made_anew) = (steps(Action::Destroy), steps(Action::Replace));
    for (id, room) in &before.rooms {
        let now = after.rooms.get(id);
        let address = at(provider(kind), id.as_str());
        if !ours.contains(&address) {
            prop_assert!(now.is_some(), "{id} is gone, and was not recorded");
        }
        if desired.policy.on_occupied([kind]) == OnOccupied::Defer && room.people > 0 {
            let inside = now.map(|now| now.people);
            prop_assert_eq!(inside, Some(room.people), "{}: disconnected", id);
        }
        let Some(now) = now else { continue };
        if destroyed.contains(&address) {
            continue;
        }
        for key in FOREIGN {
            prop_assert_eq!(now.attributes.get(key), room.attributes.get(key), "{}: {}", id, key);
        }
        if made_anew.contains(&address) {
            continue;
        }
        prop_assert_eq!(now.people, room.people, "{}", id);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_apply_settles_everything_and_leaves_others_alone(case in some_case()) {
        in_moved_time(live(&case))?;
    }
}
