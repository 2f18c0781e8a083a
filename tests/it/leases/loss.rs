//! A lease that is lost during a run, and a store that does not answer.

use std::time::Duration;

use roomctl::applier::StopSwitch;
use roomctl::emulator::Action;
use roomctl::engine::{Approver, SessionError};
use roomctl::model::{
    Action as StepAction, Approval, ApprovedPlan, Consent, Desired, Destroys, NotTried,
    PendingKind, Plan, RecordedRoom,
};
use roomctl::state::StateError;
use tokio::time::Instant;

use super::{apply, apply_and_take_over, apply_error, chat_rooms, service};
use crate::stores::lease::LeaseStore;
use crate::support::fleet::{converge, no_orphans};
use crate::support::{RunOptions, RunResult, World, with_paused_clock};

/// Approves every plan.
struct AutoApprove;

impl Approver<SessionError> for AutoApprove {
    async fn approve(&self, plan: Plan) -> Result<ApprovedPlan, SessionError> {
        let consent = Consent {
            approval: Approval::Automatic,
            allow_destroy: None,
            allow_recreate: None,
            destroys: Destroys::Wanted,
        };
        Ok(ApprovedPlan::new(plan, consent))
    }
}

/// Applies while another run takes the lease over after `time`. Returns the run.
async fn lose_lease_after(
    world: &World,
    store: &LeaseStore,
    desired: &Desired,
    time: Duration,
) -> RunResult {
    let how = RunOptions::with_consent();
    let (ended, ()) = tokio::join!(world.run_to_end(desired, &how), async {
        tokio::time::sleep(time).await;
        store.take_over();
    });
    let (ran, closed) = ended.expect("the run started");
    let error = closed.expect_err("the lease is lost");
    assert!(matches!(error, StateError::LeaseLost { .. }), "{error}");
    ran
}

#[test]
fn a_lease_lost_before_the_first_call_changes_nothing() {
    with_paused_clock(async {
        let store = LeaseStore::new(Duration::from_millis(300));
        let world = World::leased(service(), &store);
        let desired = world.declare(&chat_rooms(50));
        let ran = lose_lease_after(&world, &store, &desired, Duration::from_millis(500)).await;
        assert_eq!((ran.outcome.not_tried.len(), ran.outcome.has_changed_something()), (50, false));
        assert_eq!(world.script.count(), 0);
        converge(&world, &desired).await.expect("converged");
        assert_eq!(world.stats().served(Action::CreateRoom), 50);
    });
}

/// The lease is lost while calls are in flight.
#[test]
fn a_lost_lease_stops_all_calls_and_the_outcome_is_accurate() {
    const ROOMS: usize = 300;
    for latency in [50, 300] {
        with_paused_clock(async {
            let store = LeaseStore::new(Duration::from_millis(latency));
            let world = World::leased(service(), &store);
            let desired = world.declare(&chat_rooms(ROOMS));
            let how = RunOptions::with_consent();
            let (ended, lost) = tokio::join!(world.run_to_end(&desired, &how), async {
                tokio::time::sleep(Duration::from_millis(6_030)).await;
                store.take_over();
                Instant::now()
            });
            assert!(lost.elapsed() < Duration::from_secs(4), "{:?}", lost.elapsed());
            let (ran, closed) = ended.expect("the run started");
            let error = closed.expect_err("the lease is lost");
            assert!(matches!(error, StateError::LeaseLost { .. }), "{error}");
            store.assert_covered();
            let recorded = world.recorded().await.expect("a state");
            let outcome = ran.outcome;
            for (address, action) in &outcome.done {
                assert_eq!(
                    (*action, &recorded.rooms[address].pending),
                    (StepAction::Create, &None)
                );
            }
            for failure in &outcome.failed {
                assert!(failure.pending, "{failure:?}");
                let record: &RecordedRoom = &recorded.rooms[&failure.address];
                let pending = record.pending.as_ref().map(|pending| pending.kind);
                assert_eq!(pending, Some(PendingKind::Create));
            }
            let stats = world.stats();
            assert_eq!(stats.rooms.len(), outcome.done.len() + outcome.failed.len());
            let left = outcome.not_tried.iter();
            assert!(left.clone().all(|(_, _, why)| *why == NotTried::StateFailed));
            assert!(outcome.done.len() > 20 && left.count() > 100, "{outcome:?}");
            no_orphans(&world).await.expect("all are recorded");
            converge(&world, &desired).await.expect("the next run takes over");
            assert_eq!(world.stats().served(Action::CreateRoom), ROOMS as u64);
        });
    }
}

#[test]
fn a_lease_lost_between_destroys_and_creates_loses_no_room() {
    const ROOMS: usize = 150;
    for seconds in [3, 4, 6] {
        with_paused_clock(async {
            let store = LeaseStore::new(Duration::from_millis(300));
            let world = World::leased(service(), &store);
            apply(&world, &chat_rooms(ROOMS)).await;
            let desired = world.declare(&chat_rooms(ROOMS).replace("3h", "2h"));
            let ran =
                lose_lease_after(&world, &store, &desired, Duration::from_secs(seconds)).await;
            assert!(ran.outcome.has_changed_something());
            store.assert_covered();
            no_orphans(&world).await.expect("all are recorded");
            converge(&world, &desired).await.expect("converged");
            let stats = world.stats();
            let rooms = (stats.rooms.len(), stats.served(Action::DestroyRoom));
            assert_eq!(rooms, (ROOMS, ROOMS as u64));
            store.assert_covered();
        });
    }
}

#[test]
fn a_lease_lost_before_the_approval_ends_the_run() {
    with_paused_clock(async {
        let store = LeaseStore::new(Duration::from_millis(50));
        let world = World::leased(service(), &store);
        let (_switch, stop) = StopSwitch::new();
        let error =
            apply_and_take_over(&world, &store, &world.declare(&chat_rooms(3)), &stop).await;
        let lost = matches!(error, SessionError::State(StateError::LeaseLost { .. }));
        assert!(lost, "{error}");
        assert_eq!(world.script.count(), 0);
    });
}

#[test]
fn a_stop_ends_the_wait_for_an_unresponsive_store() {
    with_paused_clock(async {
        let store = LeaseStore::new(Duration::from_hours(1));
        let world = World::leased(service(), &store);
        let desired = world.declare(&chat_rooms(3));
        let ((switch, stop), start) = (StopSwitch::new(), Instant::now());
        let (error, ()) = tokio::join!(apply_error(&world, &desired, &stop, &AutoApprove), async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            switch.stop();
        });
        assert!(matches!(error, SessionError::GivenUp), "{error}");
        assert!(start.elapsed() < Duration::from_secs(12), "{:?}", start.elapsed());
        assert_eq!(world.stats().served(Action::CreateRoom), 0);
    });
}
