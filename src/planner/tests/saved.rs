//! Tests of saved plans whose rooms changed since they were saved.

use super::*;
use crate::model::{Action, OnRemove, SavedPlan, SavedStep};

/// Returns a room whose topic drifted, and for which another topic is declared.
fn drifted() -> World {
    World::new()
        .declare("chat/a", room("A", &[("topic", "new")]))
        .record("chat/a", record(room("A", &[("topic", "old")])))
        .observe("chat/a", there(People::Nobody, &[("topic", "theirs")]))
}

/// Returns the plan as it is saved.
fn save(plan: &Plan) -> SavedPlan {
    let steps = plan.steps.iter().map(|step| {
        let room = |room: &Option<Arc<Room>>| room.as_deref().cloned();
        let (before, after) = (room(&step.before), room(&step.after));
        (step.address.clone(), SavedStep { action: step.action, before, after, next: None })
    });
    SavedPlan {
        id: "id".to_owned(),
        time: at(0),
        lineage: None,
        scope: None,
        steps: steps.collect(),
    }
}

/// Returns the actions of a saved plan that is applied, or the refusal.
fn apply(saved: &SavedPlan, world: &World) -> Result<Vec<Action>, String> {
    let plan = restrict(world.plan(), saved, &world.desired, &world.recorded);
    let plan = plan.map_err(|refusal| refusal.to_string())?;
    Ok(plan.steps.iter().map(|step| step.action).collect())
}

#[test]
fn a_drifted_room_that_vanished_is_recreated_or_forgotten() {
    let world = drifted();
    let mut replaced = drifted();
    replaced.desired.rooms[0].room = room("B", &[("topic", "new")]);
    let mut removed = drifted();
    removed.desired.rooms.clear();
    for (before, world, after) in [
        (Action::Update, world, Action::Recreate),
        (Action::Replace, replaced, Action::Recreate),
        (Action::Destroy, removed, Action::Forget),
    ] {
        let saved = save(&world.plan());
        assert_eq!(apply(&saved, &world), Ok(vec![before]));
        let gone = world.observe("chat/a", Observation::Gone(at(1)));
        assert_eq!(apply(&saved, &gone), Ok(vec![after]));
    }
}

#[test]
fn a_room_that_drifted_after_the_save_is_refused() {
    let saved = save(&drifted().plan());
    let other = drifted().observe("chat/a", there(People::Nobody, &[("topic", "other")]));
    let refusal = apply(&saved, &other).expect_err("it was not reviewed");
    assert!(refusal.contains("chat/a: the room at the service has changed"), "{refusal}");
}

#[test]
fn a_saved_destroy_becomes_a_forget_if_on_remove_changed() {
    let mut world = drifted();
    world.desired.rooms.clear();
    let saved = save(&world.plan());
    let forget = |record: &mut RecordedRoom| record.lifecycle.on_remove = OnRemove::Forget;
    world.recorded.rooms.values_mut().for_each(forget);
    assert_eq!(apply(&saved, &world), Ok(vec![Action::Forget]));
}

#[test]
fn rooms_saved_with_an_observation_are_queried_again() {
    let world = drifted().declare("chat/b", room("B", &[])).declare("chat/c", room("C", &[]));
    let world = world.record("chat/c", record(room("D", &[])));
    let saved = save(&world.plan());
    assert_eq!(saved.steps.len(), 3);
    assert_eq!(saved_as_read(&saved, &world.desired, &world.recorded), [address("chat/a")]);
}
