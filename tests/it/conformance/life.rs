//! The life cycle of a room: create, conflict, adoption, loss, and partial create.

use roomctl::model::{Action, Call, Effect, ErrorClass, Observation, ObservedRoom, People, RoomId};
use roomctl::provider::Observer;

use super::stage::{ID, Stage};
use super::subject::Subject;
use crate::support::{InjectedFault, RunOptions};

/// One more than the number of attempts at a call.
const ATTEMPTS: u64 = 7;

/// Returns the calls that change a room.
fn changes(sent: &[Call]) -> Vec<Call> {
    let changes = |call: &Call| call.effect() == Effect::ChangesRoom;
    sent.iter().copied().filter(changes).collect()
}

pub(super) async fn a_room_is_created_once(subject: &'static Subject) {
    let stage = Stage::new(subject).await;
    let desired = stage.declared();
    stage.apply_all(&desired, 1).await;
    assert_eq!(changes(&stage.sent()), subject.makes);
    stage.assert_applied(&desired).await;
    for _ in 0..2 {
        let ran = stage.apply_all(&desired, 0).await;
        assert!(ran.plan.steps.is_empty());
        assert_eq!(changes(&stage.sent()), []);
    }
    stage.assert_applied(&desired).await;
}

pub(super) async fn a_room_of_a_lost_state_is_a_conflict(subject: &'static Subject) {
    let stage = Stage::new(subject).await;
    let desired = stage.created().await;
    let before = stage.stats().rooms;
    stage.world.lose_state();
    if subject.makes.is_empty() {
        stage.apply_all(&desired, 1).await;
        assert_eq!(stage.sent(), []);
        return stage.assert_applied(&desired).await;
    }
    let plan = stage.plan(&desired).await;
    assert_eq!((plan.steps.len(), plan.blocked.len()), (0, 1));
    let ran = stage.apply(&desired).await;
    let [failure] = &*ran.outcome.failed else { panic!("{:?}", ran.outcome) };
    assert!(failure.message.contains(&format!("roomctl import {}", Stage::address())));
    assert!(!failure.pending && failure.code.is_some());
    assert_eq!(stage.record(ID).await, None);
    assert_eq!(stage.stats().rooms, before);
}

pub(super) async fn a_room_of_a_lost_state_can_be_adopted(subject: &'static Subject) {
    let stage = Stage::new(subject).await;
    stage.created().await;
    let before = stage.stats().rooms;
    stage.world.lose_state();
    let desired = stage.rooms("on_conflict: adopt", &[ID], subject.content);
    stage.apply_all(&desired, 1).await;
    assert_eq!(stage.stats().rooms, before);
    // Fields that cannot be read are assumed: the room is due, but gets no step.
    stage.apply_all(&desired, 0).await;
    stage.assert_applied(&desired).await;
    stage.world.lose_state();
    let desired = stage.rooms("on_conflict: adopt", &[ID], subject.changed);
    stage.apply_all(&desired, 1).await;
    stage.assert_converged(&desired).await;
}

pub(super) async fn a_destroy_of_a_missing_room_succeeds(subject: &'static Subject) {
    for policy in ["on_occupied: destroy", "on_occupied: defer"] {
        let stage = Stage::new(subject).await;
        stage.created().await;
        stage.other_client().await.destroy(ID).await;
        stage.apply_all(&stage.rooms(policy, &[], ""), 1).await;
        stage.assert_gone().await;
    }
}

pub(super) async fn an_undeclared_room_that_vanished_is_forgotten(subject: &'static Subject) {
    let stage = Stage::new(subject).await;
    stage.created().await;
    stage.other_client().await.destroy(ID).await;
    let how = RunOptions::with_consent().refresh(roomctl::model::Refresh::All);
    let ran = stage.world.apply(&stage.nothing(), &how).await.expect("a state").ran();
    let [(_, action)] = &*ran.outcome.done else { panic!("{:?}", ran.outcome) };
    // A room that only users create is never observed as gone: it is closed in any case.
    let idle = subject.makes.is_empty();
    assert_eq!(*action, if idle { Action::Destroy } else { Action::Forget });
    assert_eq!(changes(&stage.sent()).is_empty(), !idle);
    stage.assert_gone().await;
}

pub(super) async fn a_second_destroy_reports_a_missing_room(subject: &'static Subject) {
    let stage = Stage::new(subject).await;
    stage.created().await;
    if subject.makes.is_empty() {
        stage.enter(3);
    }
    let other_client = stage.other_client().await;
    other_client.try_destroy(ID).await.expect("destroyed");
    let api_error = other_client.try_destroy(ID).await.expect_err("missing");
    assert_eq!(api_error.class, ErrorClass::Missing, "{api_error}");
}

pub(super) async fn a_missing_room_is_observed_as_gone(subject: &'static Subject) {
    let stage = Stage::new(subject).await;
    let observed = stage.client().observed_room(&RoomId::new("missing")).await.expect("an answer");
    let idle = subject.makes.is_empty();
    match observed {
        Observation::There(ObservedRoom {
            at: _,
            people,
            attributes,
            attribute_sequence: _,
            fields,
        }) => {
            assert!(idle && people == People::Nobody);
            assert!(attributes.is_empty() && fields.is_empty());
        }
        Observation::Gone(_) => assert!(!idle),
        Observation::Unread { why } => panic!("{why}"),
    }
    let desired = stage.created().await;
    stage.other_client().await.destroy(ID).await;
    let plan = stage.plan(&desired).await;
    let actions: Vec<_> = plan.steps.iter().map(|step| step.action).collect();
    assert_eq!(actions, if idle { vec![] } else { vec![Action::Recreate] });
    assert!(plan.unread.is_empty());
}

/// The first call succeeds and a later one fails; the next run sends the rest.
pub(super) async fn a_partly_created_room_is_finished_by_the_next_run(subject: &'static Subject) {
    for call in subject.makes.iter().skip(1) {
        let stage = Stage::new(subject).await;
        for nth in 1..=ATTEMPTS {
            stage.world.script.inject(*call, nth, InjectedFault::Refused);
        }
        let desired = stage.declared();
        let ran = stage.apply(&desired).await;
        let [failure] = &*ran.outcome.failed else { panic!("{:?}", ran.outcome) };
        assert!(failure.message.contains("not everything was set"), "{}", failure.message);
        assert!(stage.record(ID).await.is_some_and(|record| record.pending.is_none()));
        stage.apply_all(&desired, 1).await;
        stage.assert_applied(&desired).await;
    }
}
