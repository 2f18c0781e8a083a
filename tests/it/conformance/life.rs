//! A room's life: made, found again, gone, and made half.

use roomctl::model::{Action, Call, Effect, ErrorClass, Observation, ObservedRoom, People, RoomId};
use roomctl::provider::Observer;

use super::stage::{ID, Stage};
use super::subject::Subject;
use crate::support::{How, Mishap};

/// Attempts at one call, and one more.
const ATTEMPTS: u64 = 7;

fn changes(sent: &[Call]) -> Vec<Call> {
    let changes = |call: &Call| call.effect() == Effect::ChangesRoom;
    sent.iter().copied().filter(changes).collect()
}

pub(super) async fn a_room_is_created_once(subject: &'static Subject) {
    let stage = Stage::new(subject).await;
    let desired = stage.declared();
    stage.done(&desired, 1).await;
    assert_eq!(changes(&stage.sent()), subject.makes);
    stage.stands(&desired).await;
    for _ in 0..2 {
        let ran = stage.done(&desired, 0).await;
        assert!(ran.plan.steps.is_empty());
        assert_eq!(changes(&stage.sent()), []);
    }
    stage.stands(&desired).await;
}

pub(super) async fn after_a_lost_state_it_is_a_conflict(subject: &'static Subject) {
    let stage = Stage::new(subject).await;
    let desired = stage.made().await;
    let before = stage.stats().rooms;
    stage.world.lose_state();
    if subject.makes.is_empty() {
        stage.done(&desired, 1).await;
        assert_eq!(stage.sent(), []);
        return stage.stands(&desired).await;
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

pub(super) async fn after_a_lost_state_it_is_adopted(subject: &'static Subject) {
    let stage = Stage::new(subject).await;
    stage.made().await;
    let before = stage.stats().rooms;
    stage.world.lose_state();
    let desired = stage.rooms("on_conflict: adopt", &[ID], subject.content);
    stage.done(&desired, 1).await;
    assert_eq!(stage.stats().rooms, before);
    // What cannot be read is assumed, and due, but no step.
    stage.done(&desired, 0).await;
    stage.stands(&desired).await;
    stage.world.lose_state();
    let desired = stage.rooms("on_conflict: adopt", &[ID], subject.changed);
    stage.done(&desired, 1).await;
    stage.rests(&desired).await;
}

pub(super) async fn a_destroy_of_what_is_gone_is_done(subject: &'static Subject) {
    for policy in ["on_occupied: destroy", "on_occupied: defer"] {
        let stage = Stage::new(subject).await;
        stage.made().await;
        stage.stranger().await.destroy(ID).await;
        stage.done(&stage.rooms(policy, &[], ""), 1).await;
        stage.is_gone().await;
    }
}

pub(super) async fn a_room_that_is_gone_is_forgotten(subject: &'static Subject) {
    let stage = Stage::new(subject).await;
    stage.made().await;
    stage.stranger().await.destroy(ID).await;
    let how = How::with_consent().refresh(roomctl::model::Refresh::All);
    let ran = stage.world.apply(&stage.nothing(), &how).await.expect("a state").ran();
    let [(_, action)] = &*ran.outcome.done else { panic!("{:?}", ran.outcome) };
    // A room that only users make is never gone: it is closed all the same.
    let idle = subject.makes.is_empty();
    assert_eq!(*action, if idle { Action::Destroy } else { Action::Forget });
    assert_eq!(changes(&stage.sent()).is_empty(), !idle);
    stage.is_gone().await;
}

pub(super) async fn a_second_destroy_is_of_a_missing_room(subject: &'static Subject) {
    let stage = Stage::new(subject).await;
    stage.made().await;
    if subject.makes.is_empty() {
        stage.enter(3);
    }
    let stranger = stage.stranger().await;
    stranger.try_destroy(ID).await.expect("destroyed");
    let api_error = stranger.try_destroy(ID).await.expect_err("missing");
    assert_eq!(api_error.class, ErrorClass::Missing, "{api_error}");
}

pub(super) async fn what_is_not_there_is_gone(subject: &'static Subject) {
    let stage = Stage::new(subject).await;
    let seen = stage.client().observed_room(&RoomId::new("nobodys")).await.expect("an answer");
    let idle = subject.makes.is_empty();
    match seen {
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
    let desired = stage.made().await;
    stage.stranger().await.destroy(ID).await;
    let plan = stage.plan(&desired).await;
    let actions: Vec<_> = plan.steps.iter().map(|step| step.action).collect();
    assert_eq!(actions, if idle { vec![] } else { vec![Action::Recreate] });
    assert!(plan.unread.is_empty());
}

/// A room that was made, and of which a later call never came to be, is finished by the next run.
pub(super) async fn a_half_made_room_is_finished(subject: &'static Subject) {
    for call in subject.makes.iter().skip(1) {
        let stage = Stage::new(subject).await;
        for nth in 1..=ATTEMPTS {
            stage.world.script.strike(*call, nth, Mishap::Refused);
        }
        let desired = stage.declared();
        let ran = stage.apply(&desired).await;
        let [failure] = &*ran.outcome.failed else { panic!("{:?}", ran.outcome) };
        assert!(failure.message.contains("not everything was set"), "{}", failure.message);
        assert!(stage.record(ID).await.is_some_and(|record| record.pending.is_none()));
        stage.done(&desired, 1).await;
        stage.stands(&desired).await;
    }
}
