//! Saved plans against what became of their rooms meanwhile.

use super::*;
use crate::model::{Action, OnRemove, SavedPlan, SavedStep};

/// A room whose topic somebody changed, and that gets another one.
fn drifted() -> World {
    World::new()
        .declare("chat/a", room("A", &[("topic", "new")]))
        .record("chat/a", record(room("A", &[("topic", "old")])))
        .observe("chat/a", there(People::Nobody, &[("topic", "theirs")]))
}

/// The plan as it is saved.
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

/// What is done of a saved plan, or why it is refused.
fn carry_out(saved: &SavedPlan, world: &World) -> Result<Vec<Action>, String> {
    let plan = restrict(world.plan(), saved, &world.desired, &world.recorded);
    let plan = plan.map_err(|refusal| refusal.to_string())?;
    Ok(plan.steps.iter().map(|step| step.action).collect())
}

#[test]
fn a_drifted_room_that_vanished_is_made_anew_or_forgotten() {
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
        assert_eq!(carry_out(&saved, &world), Ok(vec![before]));
        let gone = world.observe("chat/a", Observation::Gone(at(1)));
        assert_eq!(carry_out(&saved, &gone), Ok(vec![after]));
    }
}

#[test]
fn a_room_that_drifted_to_something_else_is_refused() {
    let saved = save(&drifted().plan());
    let other = drifted().observe("chat/a", there(People::Nobody, &[("topic", "other")]));
    let refusal = carry_out(&saved, &other).expect_err("it was not reviewed");
    assert!(refusal.contains("chat/a: the room at the service has changed"), "{refusal}");
}

#[test]
fn a_room_that_is_left_to_others_meanwhile_is_no_destroy() {
    let mut world = drifted();
    world.desired.rooms.clear();
    let saved = save(&world.plan());
    let forget = |record: &mut RecordedRoom| record.lifecycle.on_remove = OnRemove::Forget;
    world.recorded.rooms.values_mut().for_each(forget);
    assert_eq!(carry_out(&saved, &world), Ok(vec![Action::Forget]));
}

#[test]
fn rooms_that_were_changed_from_what_was_read_are_asked_after_again() {
    let world = drifted().declare("chat/b", room("B", &[])).declare("chat/c", room("C", &[]));
    let world = world.record("chat/c", record(room("D", &[])));
    let saved = save(&world.plan());
    assert_eq!(saved.steps.len(), 3);
    assert_eq!(saved_as_read(&saved, &world.desired, &world.recorded), [address("chat/a")]);
}
