//! What stands before a service: limits, signatures, and the users it knows.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use roomctl::emulator::{Action, EmulatorConfig, UnknownOwner};
use roomctl::model::{
    Call, Clock, Effect, ErrorClass, NotTried, Operation, Origin, RoomId, Timestamp,
};

use super::stage::{ID, Stage};
use super::subject::Subject;
use crate::support::{How, Script, plain_service, service};

/// The requests a second that the service takes of each action, and that the file says it does.
const SERVICE: u32 = 5;
const FILE: u32 = 20;

/// Enough rooms for the pace to be learned.
const MANY: usize = 60;

/// More than any signature is good for.
const BEHIND: Duration = Duration::from_hours(48);

/// A clock that is far behind until so many requests were made.
struct Behind {
    clock: Arc<dyn Clock>,
    script: Script,
    until: u64,
}

impl Clock for Behind {
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
    /// Lets the clock that signs be behind for so many requests from now on.
    fn be_behind(&mut self, requests: u64) {
        let script = self.world.script.clone();
        let until = script.count().saturating_add(requests);
        self.world.signing = Arc::new(Behind { clock: self.world.clock.clone(), script, until });
    }

    /// How many requests the gateway turned away.
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

pub(super) async fn too_often_slows_down_and_fails_nothing(subject: &'static Subject) {
    let rate_limits = Action::ALL.iter().map(|action| (*action, SERVICE)).collect();
    let stage = Stage::untouched(subject, EmulatorConfig { rate_limits, ..plain_service() });
    let ids = ids(MANY);
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut desired = stage.rooms("", &ids, subject.content);
    let mut nothing = stage.nothing();
    for declared in [&mut desired, &mut nothing] {
        for provider in declared.providers.values_mut() {
            let calls = subject.kind.calls().iter();
            provider.rate_limits = calls.map(|(call, _)| (*call, FILE)).collect();
        }
    }
    stage.done(&desired, MANY).await;
    if subject.makes.is_empty() {
        for id in &ids {
            let room = RoomId::new(id);
            stage.world.emulator.enter(subject.kind, crate::support::APP, &room, 1).expect("in");
        }
    }
    stage.done(&nothing, MANY).await;
    let stats = stage.stats();
    assert!(stats.rooms.is_empty());
    for (call, _) in subject.kind.calls() {
        let refused = stats.answered(action(*call), subject.too_often);
        let served = stats.served(action(*call));
        assert!(refused * 3 <= served, "{call}: {served} served, {refused} refused");
    }
}

pub(super) async fn an_expired_signature_is_made_anew_once(subject: &'static Subject) {
    let mut stage = Stage::new(subject).await;
    let desired = stage.declared();
    stage.be_behind(1);
    stage.done(&desired, 1).await;
    let rejected = u64::from(!subject.makes.is_empty());
    assert_eq!(stage.rejected(), rejected);
    stage.be_behind(1);
    stage.rests(&desired).await;
    assert_eq!(stage.rejected(), rejected + 1);
    stage.enter(3);
    stage.be_behind(1);
    stage.done(&stage.nothing(), 1).await;
    assert_eq!(stage.rejected(), rejected + 2);
    stage.is_gone().await;
}

pub(super) async fn a_clock_that_stays_wrong_halts_the_provider(subject: &'static Subject) {
    let mut stage = Stage::new(subject).await;
    let ids = ["a", "b", "c"];
    let desired = stage.rooms("on_occupied: destroy", &ids, subject.content);
    stage.done(&desired, 3).await;
    let how = || How { concurrency: Some(1), ..How::with_consent() };
    let clock = stage.world.clock.clone();
    stage.be_behind(u64::MAX);
    let nothing = stage.nothing();
    let ran = stage.world.apply(&nothing, &how()).await.expect("a state").ran();
    let outcome = &ran.outcome;
    let [failure] = &*outcome.failed else { panic!("{outcome:?}") };
    assert!(failure.message.contains("set this machine's clock"), "{}", failure.message);
    assert!(failure.code.is_some() && !failure.pending);
    let halted = outcome.not_tried.iter().all(|(_, _, why)| *why == NotTried::ProviderFatal);
    assert!(halted && outcome.not_tried.len() == 2, "{outcome:?}");
    assert_eq!(stage.rejected(), 2, "signed once more, and not again");
    let plan = stage.plan(&desired).await;
    assert_eq!(plan.unread.len(), 3, "a wrong clock is no missing room");
    stage.world.signing = clock;
    stage.done(&nothing, 3).await;
}

pub(super) async fn users_are_made_known_once(subject: &'static Subject) {
    for unknown_owner in [UnknownOwner::NoAccount, UnknownOwner::InvalidParameter] {
        let settings = EmulatorConfig { unknown_owner, ..service() };
        let stage = Stage::untouched(subject, settings);
        let desired = stage.rooms("", &["a", "b", "c"], subject.content);
        stage.done(&desired, 3).await;
        let known: BTreeSet<String> = subject.users.iter().map(|user| (*user).into()).collect();
        assert_eq!(stage.stats().users, known);
        let made_known = |call: &&Call| call.effect() == Effect::RepeatSafe;
        assert_eq!(stage.world.script.sent().iter().filter(made_known).count(), known.len());
    }
}

/// Nor does it say that a room is not there because nobody knows who asks.
pub(super) async fn a_plan_makes_nobody_known(subject: &'static Subject) {
    let stage = Stage::untouched(subject, service());
    let desired = stage.declared();
    stage.stranger().await.create(ID, (*desired.rooms[0].room).clone()).await;
    let known = stage.stats().users;
    let plan = stage.plan(&desired).await;
    assert_eq!(stage.stats().users, known);
    assert!(stage.sent().iter().all(|call| call.effect() == Effect::Reads));
    let creates = plan.steps.iter().any(|step| !step.calls.is_empty());
    assert!(!creates, "{:?}", plan.steps);
}

/// A create in the name of a user whom the service does not know is told as such, in every wording.
pub(super) async fn an_unknown_user_is_told(subject: &'static Subject) {
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
