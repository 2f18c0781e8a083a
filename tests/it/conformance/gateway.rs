//! Rate limits, signatures and registered users.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use roomctl::emulator::{Action, EmulatorConfig, UnknownOwner};
use roomctl::model::{
    Call, Clock, Effect, ErrorClass, NotTried, Operation, Origin, RoomId, Timestamp,
};

use super::stage::{ID, Stage};
use super::subject::Subject;
use crate::support::{RunOptions, Script, plain_service, service};

/// The service's limit of requests a second for each action, and the higher one that the file configures.
const SERVICE_LIMIT: u32 = 5;
const FILE_LIMIT: u32 = 20;

/// Enough rooms for the pace to adapt.
const MANY: usize = 60;

/// How far the clock is behind: longer than any signature is valid.
const BEHIND: Duration = Duration::from_hours(48);

/// A clock that is [`BEHIND`] until the script has counted `until` requests.
struct SlowClock {
    clock: Arc<dyn Clock>,
    script: Script,
    until: u64,
}

impl Clock for SlowClock {
    fn now(&self) -> Timestamp {
        let now = self.clock.now();
        if self.script.count() >= self.until {
            return now;
        }
        let behind = i64::try_from(BEHIND.as_millis()).expect("a number");
        Timestamp::from_millis(now.as_millis() - behind)
    }
}

impl Stage {
    /// Sets the clock that signs back for this number of requests.
    fn set_clock_back(&mut self, requests: u64) {
        let script = self.world.script.clone();
        let until = script.count().saturating_add(requests);
        self.world.signing = Arc::new(SlowClock { clock: self.world.clock.clone(), script, until });
    }

    /// Returns the number of requests that the gateway rejected.
    fn rejected(&self) -> u64 {
        self.world.all_stats().rejected.values().sum()
    }
}

fn ids(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("r{n:03}")).collect()
}

fn action(call: Call) -> Action {
    let mut actions = Action::ALL.into_iter();
    actions.find(|action| action.as_str() == call.as_str()).expect("an action")
}

pub(super) async fn throttling_slows_a_run_down_without_failures(subject: &'static Subject) {
    let rate_limits = Action::ALL.iter().map(|action| (*action, SERVICE_LIMIT)).collect();
    let stage = Stage::untouched(subject, EmulatorConfig { rate_limits, ..plain_service() });
    let ids = ids(MANY);
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut desired = stage.rooms("", &ids, subject.content);
    let mut nothing = stage.nothing();
    for declared in [&mut desired, &mut nothing] {
        for provider in declared.providers.values_mut() {
            let calls = subject.kind.calls().iter();
            provider.rate_limits = calls.map(|(call, _)| (*call, FILE_LIMIT)).collect();
        }
    }
    stage.apply_all(&desired, MANY).await;
    if subject.makes.is_empty() {
        for id in &ids {
            let room = RoomId::new(id);
            stage
                .world
                .emulator
                .enter(subject.kind, crate::support::APP, &room, 1)
                .expect("entered");
        }
    }
    stage.apply_all(&nothing, MANY).await;
    let stats = stage.stats();
    assert!(stats.rooms.is_empty());
    for (call, _) in subject.kind.calls() {
        let refused = stats.answered(action(*call), subject.too_often);
        let served = stats.served(action(*call));
        assert!(refused * 3 <= served, "{call}: {served} served, {refused} refused");
    }
}

pub(super) async fn an_expired_signature_is_renewed_once(subject: &'static Subject) {
    let mut stage = Stage::new(subject).await;
    let desired = stage.declared();
    stage.set_clock_back(1);
    stage.apply_all(&desired, 1).await;
    let rejected = u64::from(!subject.makes.is_empty());
    assert_eq!(stage.rejected(), rejected);
    stage.set_clock_back(1);
    stage.assert_converged(&desired).await;
    assert_eq!(stage.rejected(), rejected + 1);
    stage.enter(3);
    stage.set_clock_back(1);
    stage.apply_all(&stage.nothing(), 1).await;
    assert_eq!(stage.rejected(), rejected + 2);
    stage.assert_gone().await;
}

pub(super) async fn a_wrong_clock_stops_the_provider(subject: &'static Subject) {
    let mut stage = Stage::new(subject).await;
    let ids = ["a", "b", "c"];
    let desired = stage.rooms("on_occupied: destroy", &ids, subject.content);
    stage.apply_all(&desired, 3).await;
    let how = || RunOptions { concurrency: Some(1), ..RunOptions::with_consent() };
    let clock = stage.world.clock.clone();
    stage.set_clock_back(u64::MAX);
    let nothing = stage.nothing();
    let ran = stage.world.apply(&nothing, &how()).await.expect("a state").ran();
    let outcome = &ran.outcome;
    let [failure] = &*outcome.failed else { panic!("{outcome:?}") };
    assert!(failure.message.contains("set this machine's clock"), "{}", failure.message);
    assert!(failure.code.is_some() && !failure.pending);
    let halted = outcome.not_tried.iter().all(|(_, _, why)| *why == NotTried::ProviderFatal);
    assert!(halted && outcome.not_tried.len() == 2, "{outcome:?}");
    assert_eq!(stage.rejected(), 2, "the call was not signed exactly twice");
    let plan = stage.plan(&desired).await;
    assert_eq!(plan.unread.len(), 3, "rooms were not unread while the clock was wrong");
    stage.world.signing = clock;
    stage.apply_all(&nothing, 3).await;
}

pub(super) async fn users_are_registered_once(subject: &'static Subject) {
    for unknown_owner in [UnknownOwner::NoAccount, UnknownOwner::InvalidParameter] {
        let settings = EmulatorConfig { unknown_owner, ..service() };
        let stage = Stage::untouched(subject, settings);
        let desired = stage.rooms("", &["a", "b", "c"], subject.content);
        stage.apply_all(&desired, 3).await;
        let known: BTreeSet<String> = subject.users.iter().map(|user| (*user).into()).collect();
        assert_eq!(stage.stats().users, known);
        let registers = |call: &&Call| call.effect() == Effect::RepeatSafe;
        assert_eq!(stage.world.script.sent().iter().filter(registers).count(), known.len());
    }
}

/// Nor does the plan report a room as missing because the operator is unknown.
pub(super) async fn a_plan_registers_no_user(subject: &'static Subject) {
    let stage = Stage::untouched(subject, service());
    let desired = stage.declared();
    stage.other_client().await.create(ID, (*desired.rooms[0].room).clone()).await;
    let known = stage.stats().users;
    let plan = stage.plan(&desired).await;
    assert_eq!(stage.stats().users, known);
    assert!(stage.sent().iter().all(|call| call.effect() == Effect::Reads));
    let creates = plan.steps.iter().any(|step| !step.calls.is_empty());
    assert!(!creates, "{:?}", plan.steps);
}

/// A create for an unknown user is classified as such, whichever way the service reports it.
pub(super) async fn an_unknown_user_is_classified_as_such(subject: &'static Subject) {
    let Origin::Call(call) = subject.kind.origin() else { return };
    for unknown_owner in [UnknownOwner::NoAccount, UnknownOwner::InvalidParameter] {
        let stage = Stage::untouched(subject, EmulatorConfig { unknown_owner, ..service() });
        let room = stage.declared().rooms[0].room.made_by_its_call(subject.kind);
        let client = stage.client();
        let permit = client.permit(call).await.expect("a permit");
        let made = client.attempt(permit, &RoomId::new(ID), &Operation::Create(room)).await;
        let api_error = made.expect_err("unknown");
        assert_eq!(api_error.class, ErrorClass::OperatorUnknown, "{api_error}");
    }
}
