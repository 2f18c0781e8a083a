//! Answers that are lost, requests that land late, and answers that nobody can read.

use std::time::Duration;

use roomctl::model::{Call, Desired, Effect, Field, Origin};

use super::stage::{ID, Stage};
use super::subject::Subject;
use crate::support::Mishap;

/// What leaves it unknown whether a call was carried out.
const LOST: [Mishap; 3] = [Mishap::LostBefore, Mishap::LostAfter, Mishap::Garbled];

/// Between a look that finds nothing and the one that is final.
const MEANWHILE: Duration = Duration::from_secs(3);

/// Applies while the first request of `call` meets a mishap: one run comes through, looks before it
/// repeats anything, and repeats only what was not carried out.
async fn come_through(stage: &Stage, desired: &Desired, call: Call, mishap: Mishap) {
    stage.world.script.strike(call, 1, mishap);
    stage.done(desired, 1).await;
    assert!(stage.world.script.is_over(), "{call} was not sent");
    let sent = stage.sent();
    let times = sent.iter().filter(|one| **one == call).count();
    let expected = if mishap == Mishap::LostBefore { 2 } else { 1 };
    assert_eq!(times, expected, "{call}, {mishap:?}: {sent:?}");
}

async fn creates(subject: &'static Subject, mishaps: &[Mishap]) {
    for (call, mishap) in pairs(subject.makes, mishaps) {
        let stage = Stage::new(subject).await;
        let desired = stage.declared();
        come_through(&stage, &desired, call, mishap).await;
        stage.stands(&desired).await;
    }
}

async fn changes(subject: &'static Subject, mishaps: &[Mishap]) {
    for (call, mishap) in pairs(subject.changes, mishaps) {
        let stage = Stage::new(subject).await;
        stage.made().await;
        let desired = stage.changed();
        come_through(&stage, &desired, call, mishap).await;
        stage.stands(&desired).await;
    }
}

async fn destroys(subject: &'static Subject, mishaps: &[Mishap]) {
    for (call, mishap) in pairs(&[subject.kind.destroy_call()], mishaps) {
        let stage = Stage::new(subject).await;
        stage.made().await;
        stage.enter(3);
        come_through(&stage, &stage.nothing(), call, mishap).await;
        stage.is_gone().await;
    }
}

fn pairs(calls: &[Call], mishaps: &[Mishap]) -> Vec<(Call, Mishap)> {
    let with = |call: &Call| mishaps.iter().map(|mishap| (*call, *mishap)).collect::<Vec<_>>();
    calls.iter().flat_map(with).collect()
}

pub(super) async fn a_create_that_is_lost(subject: &'static Subject) {
    creates(subject, &LOST).await;
}

pub(super) async fn a_change_that_is_lost(subject: &'static Subject) {
    changes(subject, &LOST).await;
}

pub(super) async fn a_destroy_that_is_lost(subject: &'static Subject) {
    destroys(subject, &LOST).await;
}

pub(super) async fn a_create_that_lands_late(subject: &'static Subject) {
    creates(subject, &[Mishap::Late]).await;
}

pub(super) async fn a_change_that_lands_late(subject: &'static Subject) {
    changes(subject, &[Mishap::Late]).await;
}

pub(super) async fn a_destroy_that_lands_late(subject: &'static Subject) {
    destroys(subject, &[Mishap::Late]).await;
}

/// What is known not to be done is tried again without a look.
pub(super) async fn a_request_that_is_refused(subject: &'static Subject) {
    let refused = [Mishap::Refused];
    creates(subject, &refused).await;
    changes(subject, &refused).await;
    destroys(subject, &refused).await;
}

/// A look whose answer cannot be read is asked again, and says nothing of the room.
pub(super) async fn a_look_that_is_garbled(subject: &'static Subject) {
    let looks = subject.kind.calls().iter().filter(|(call, _)| call.effect() == Effect::Reads);
    for (call, _) in looks {
        let stage = Stage::new(subject).await;
        let desired = stage.made().await;
        for mishap in LOST {
            stage.world.script.strike(*call, 1, mishap);
            stage.rests(&desired).await;
            assert!(stage.world.script.is_over(), "{call} was not sent");
            assert_eq!(stage.sent().iter().filter(|one| *one == call).count(), 2);
        }
    }
}

/// A room that somebody else makes while ours is looked for has another owner: it is not ours, also
/// where we declare none.
pub(super) async fn somebody_elses_room_is_not_taken_for_ours(subject: &'static Subject) {
    let Origin::Call(call) = subject.kind.origin() else { return };
    if !subject.kind.holds(Field::Owner) {
        return;
    }
    let stage = Stage::new(subject).await;
    let desired = stage.rooms("", &[ID], &subject.content.replace("owner: alice, ", ""));
    let stranger = stage.stranger().await;
    stage.world.script.strike(call, 1, Mishap::LostBefore);
    let (ran, ()) = tokio::join!(stage.apply(&desired), async {
        tokio::time::sleep(MEANWHILE).await;
        stranger.create(ID, (*desired.rooms[0].room).clone()).await;
    });
    let theirs = stage.stats().rooms;
    assert!(matches!(&*ran.outcome.failed, [failure] if failure.pending), "{:?}", ran.outcome);
    let ran = stage.apply(&desired).await;
    assert_eq!(ran.outcome.done, []);
    assert_eq!(stage.stats().rooms, theirs);
}
