//! Lost answers, requests that take effect late, and unreadable answers.

use std::time::Duration;

use roomctl::model::{Call, Desired, Effect, Field, Origin};

use super::stage::{ID, Stage};
use super::subject::Subject;
use crate::support::InjectedFault;

/// The failures after which it is unknown whether a call took effect.
const LOST: [InjectedFault; 3] =
    [InjectedFault::LostBefore, InjectedFault::LostAfter, InjectedFault::Garbled];

/// A time between the first lookup, which finds no room, and the final one.
const BETWEEN_LOOKUPS: Duration = Duration::from_secs(3);

/// Applies while the first request of `call` fails. Asserts that one run completes, and that it repeats the
/// call only if it did not take effect; [`Stage::sent`] asserts that a lookup comes first.
async fn assert_completes(stage: &Stage, desired: &Desired, call: Call, fault: InjectedFault) {
    stage.world.script.inject(call, 1, fault);
    stage.apply_all(desired, 1).await;
    assert!(stage.world.script.is_over(), "{call} was not sent");
    let sent = stage.sent();
    let times = sent.iter().filter(|one| **one == call).count();
    let expected = if fault == InjectedFault::LostBefore { 2 } else { 1 };
    assert_eq!(times, expected, "{call}, {fault:?}: {sent:?}");
}

async fn creates(subject: &'static Subject, faults: &[InjectedFault]) {
    for (call, fault) in pairs(subject.makes, faults) {
        let stage = Stage::new(subject).await;
        let desired = stage.declared();
        assert_completes(&stage, &desired, call, fault).await;
        stage.assert_applied(&desired).await;
    }
}

async fn changes(subject: &'static Subject, faults: &[InjectedFault]) {
    for (call, fault) in pairs(subject.changes, faults) {
        let stage = Stage::new(subject).await;
        stage.created().await;
        let desired = stage.changed();
        assert_completes(&stage, &desired, call, fault).await;
        stage.assert_applied(&desired).await;
    }
}

async fn destroys(subject: &'static Subject, faults: &[InjectedFault]) {
    for (call, fault) in pairs(&[subject.kind.destroy_call()], faults) {
        let stage = Stage::new(subject).await;
        stage.created().await;
        stage.enter(3);
        assert_completes(&stage, &stage.nothing(), call, fault).await;
        stage.assert_gone().await;
    }
}

fn pairs(calls: &[Call], faults: &[InjectedFault]) -> Vec<(Call, InjectedFault)> {
    let with = |call: &Call| faults.iter().map(|fault| (*call, *fault)).collect::<Vec<_>>();
    calls.iter().flat_map(with).collect()
}

pub(super) async fn a_lost_create_is_looked_up(subject: &'static Subject) {
    creates(subject, &LOST).await;
}

pub(super) async fn a_lost_change_is_looked_up(subject: &'static Subject) {
    changes(subject, &LOST).await;
}

pub(super) async fn a_lost_destroy_is_looked_up(subject: &'static Subject) {
    destroys(subject, &LOST).await;
}

pub(super) async fn a_late_create_is_not_repeated(subject: &'static Subject) {
    creates(subject, &[InjectedFault::Late]).await;
}

pub(super) async fn a_late_change_is_not_repeated(subject: &'static Subject) {
    changes(subject, &[InjectedFault::Late]).await;
}

pub(super) async fn a_late_destroy_is_not_repeated(subject: &'static Subject) {
    destroys(subject, &[InjectedFault::Late]).await;
}

pub(super) async fn a_refused_connection_is_retried_without_a_lookup(subject: &'static Subject) {
    let refused = [InjectedFault::Refused];
    creates(subject, &refused).await;
    changes(subject, &refused).await;
    destroys(subject, &refused).await;
}

/// A query without a readable answer does not count as an observation.
pub(super) async fn a_query_without_a_readable_answer_is_retried(subject: &'static Subject) {
    let queries = subject.kind.calls().iter().filter(|(call, _)| call.effect() == Effect::Reads);
    for (call, _) in queries {
        let stage = Stage::new(subject).await;
        let desired = stage.created().await;
        for fault in LOST {
            stage.world.script.inject(*call, 1, fault);
            stage.assert_converged(&desired).await;
            assert!(stage.world.script.is_over(), "{call} was not sent");
            assert_eq!(stage.sent().iter().filter(|one| *one == call).count(), 2);
        }
    }
}

/// A room that another client creates while ours is looked up has another owner: it is not ours, even if
/// the file declares no owner.
pub(super) async fn a_foreign_room_created_during_our_create_is_not_ours(
    subject: &'static Subject,
) {
    let Origin::Call(call) = subject.kind.origin() else { return };
    if !subject.kind.holds(Field::Owner) {
        return;
    }
    let stage = Stage::new(subject).await;
    let desired = stage.rooms("", &[ID], &subject.content.replace("owner: alice, ", ""));
    let other_client = stage.other_client().await;
    stage.world.script.inject(call, 1, InjectedFault::LostBefore);
    let (ran, ()) = tokio::join!(stage.apply(&desired), async {
        tokio::time::sleep(BETWEEN_LOOKUPS).await;
        other_client.create(ID, (*desired.rooms[0].room).clone()).await;
    });
    let theirs = stage.stats().rooms;
    assert!(matches!(&*ran.outcome.failed, [failure] if failure.pending), "{:?}", ran.outcome);
    let ran = stage.apply(&desired).await;
    assert_eq!(ran.outcome.done, []);
    assert_eq!(stage.stats().rooms, theirs);
}
