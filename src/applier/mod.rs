//! Executes plans: observes, executes, records, and recovers calls that were left pending.
//!
//! A call that changes something is never sent before its intent is durable. If its outcome is
//! unknown, it is never repeated before a lookup of the room.

mod admission;
mod call_admission;
mod clearance;
mod executor;
mod journal;
mod mutation;
mod observe;
mod recover;
mod refresh;
mod step;
mod worker;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::model::{
    Action, Adoption, ApprovedPlan, Clock, Event, Held, HeldReason, NotTried, Observed, Outcome,
    Overwritten, Provider, ProviderName, Recorded, Step, StepEvent, StepProgress, StepWait,
    WaitReason,
};
use crate::provider::{Client, Observer};
use crate::state::WriteStore;

use admission::SideDependencies;
use executor::ProviderExecutor;
use journal::JournalWriter;
use observe::joined;
use step::{Done, StepEnd};

pub use observe::{Observers, observe, observed_rooms};
pub use recover::{Recovered, recover};
pub use refresh::{UpdatedRecord, imported, record_observations};

/// A connected provider.
#[derive(Clone)]
pub struct Connection {
    /// The provider as it is declared.
    pub provider: Provider,
    /// The client that calls it.
    pub client: Arc<Client>,
    /// The clock of its service: the wall clock, or the clock of the emulator.
    pub clock: Arc<dyn Clock>,
}

/// The providers of a run.
pub type Connections = BTreeMap<ProviderName, Connection>;

/// The settings of a run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Steps of one provider in flight at once; `None` for enough to hide the latency.
    pub concurrency: Option<usize>,
}

/// Returns how many steps of one provider are in flight at once by default: enough to hide three
/// seconds of latency at its fastest limit, and at most 512, since each may hold a connection. A store
/// that writes once a second adds five seconds, because a step waits for the writes of an intent and a
/// result for each of its calls. Such a step holds no connection while it waits: at most 2048.
fn concurrency(provider: &Provider, send_window: Option<Duration>) -> usize {
    let (seconds, most) = if send_window.is_some() { (8.0, 2048) } else { (3.0, 512) };
    let rates = provider.kind().calls().iter().map(|(call, _)| provider.rate(*call));
    let fastest = rates.fold(0.0, f64::max);
    let hidden =
        |steps: &usize| f64::from(u16::try_from(*steps).unwrap_or(u16::MAX)) >= seconds * fastest;
    (64..=most).find(hidden).unwrap_or(most)
}

/// Receives the events of a session.
pub trait Report: Send + Sync {
    /// Receives one event.
    fn event(&self, event: &Event);
}

/// Returns the observers of connections, which cannot change anything.
#[must_use]
pub fn observers(connections: &Connections) -> Observers {
    let observer = |(name, connection): (&ProviderName, &Connection)| {
        (name.clone(), connection.client.clone() as Arc<dyn Observer>)
    };
    connections.iter().map(observer).collect()
}

/// The inputs of a run.
pub struct Run {
    /// The record before the run.
    pub recorded: Arc<Recorded>,
    /// What was observed before the plan was made.
    pub observed: Observed,
    /// The connected providers.
    pub connections: Connections,
    /// The settings.
    pub settings: Settings,
    /// The store to which the record is written.
    pub store: Arc<dyn WriteStore>,
    /// The receiver of the events.
    pub report: Arc<dyn Report>,
    /// The request to stop.
    pub stop: Stop,
}

/// Executes a plan that passed the gate, all providers in parallel.
pub async fn run(plan: ApprovedPlan, run: Run) -> Outcome {
    let (requested, store) = (run.stop.clone(), run.store.clone());
    let (switch, stop) = StopSwitch::new();
    let run = Arc::new(Run { stop, ..run });
    let journal = JournalWriter::new(store.clone());
    let side_dependencies = Arc::new(SideDependencies::new(&plan, &run.connections));
    let (blocked, unread) = (plan.blocked(), plan.unread());
    let mut outcome = Outcome { blocked, unread, ..Outcome::default() };
    for held in plan.waiting() {
        run.report_wait(&mut outcome, &held.step, wait_reason(held), None);
    }
    for (step, why) in plan.held() {
        run.report_end(&mut outcome, step, StepEnd::NotTried(*why), None);
    }
    run.report.event(&Event::StepsStarted(plan.steps().len() as u64));
    let mut by_provider: BTreeMap<ProviderName, Vec<Step>> = BTreeMap::new();
    for step in plan.steps() {
        by_provider.entry(step.address.provider.clone()).or_default().push(step.clone());
    }
    let mut executors = JoinSet::new();
    for (name, steps) in by_provider {
        let executor = ProviderExecutor::new(
            &name,
            &steps,
            run.clone(),
            journal.clone(),
            side_dependencies.clone(),
        );
        executors.spawn(async move { executor.execute_all(steps).await });
    }
    let all = async {
        while let Some(done) = executors.join_next().await {
            outcome.merge(joined(done));
        }
    };
    tokio::select! {
        () = all => {}
        () = stop_early(&requested, &*store, &journal, &switch) => {}
    }
    run.report.event(&Event::StepsEnded);
    outcome
}

/// Stops the run when a stop is requested or the lock is lost. Never returns, so that steps in flight
/// may finish.
async fn stop_early(
    requested: &Stop,
    store: &dyn WriteStore,
    journal: &JournalWriter,
    switch: &StopSwitch,
) {
    let lost = async {
        let error = store.lost().await;
        tracing::info!("{error}");
        journal.mark_broken();
        switch.stop_because(StopReason::LockLost);
    };
    let requested = async {
        requested.wanted().await;
        switch.stop();
    };
    tokio::join!(lost, requested);
    std::future::pending::<()>().await;
}

impl Run {
    /// Reports how a step ended and how long it took, and adds it to the outcome.
    fn report_end(
        &self,
        outcome: &mut Outcome,
        step: &Step,
        end: StepEnd,
        duration: Option<Duration>,
    ) {
        let (address, action) = (step.address.clone(), step.action);
        let (action, progress) = match end {
            StepEnd::Done(done) => add_done(outcome, step, done),
            StepEnd::Failed(failure, _) => {
                outcome.failed.push(failure.clone());
                (action, StepProgress::Failed(failure))
            }
            StepEnd::Waiting(people, failure) => {
                let unread = failure.map(|failure| WaitReason::Unread(failure.to_string()));
                let reason = unread.unwrap_or(WaitReason::People(people));
                return self.report_wait(outcome, step, reason, duration);
            }
            StepEnd::NotTried(why) => {
                outcome.not_tried.push((address.clone(), action, why));
                (action, StepProgress::NotTried(why))
            }
        };
        let reason = step.reason;
        self.report.event(&Event::Step(StepEvent { address, action, reason, duration, progress }));
    }

    /// Reports that a step waits, and adds it to the outcome.
    fn report_wait(
        &self,
        outcome: &mut Outcome,
        step: &Step,
        reason: WaitReason,
        duration: Option<Duration>,
    ) {
        let (address, action) = (step.address.clone(), step.action);
        let wait = StepWait { address: address.clone(), action, reason };
        outcome.waiting.push(wait.clone());
        let (reason, progress) = (step.reason, StepProgress::Waiting(wait));
        self.report.event(&Event::Step(StepEvent { address, action, reason, duration, progress }));
    }
}

/// Returns why a step that the plan holds waits.
fn wait_reason(held: &Held) -> WaitReason {
    let Held { step, reason } = held;
    match reason {
        HeldReason::NextLife => WaitReason::NextLife,
        HeldReason::Occupied(_)
        | HeldReason::PreventDestroy
        | HeldReason::MaxRooms(_)
        | HeldReason::Conflict
        | HeldReason::OtherState
        | HeldReason::Contested => WaitReason::People(step.people),
    }
}

/// Adds a step that is done to the outcome. A create of a room that existed already counts as an
/// adoption.
fn add_done(outcome: &mut Outcome, step: &Step, done: Done) -> (Action, StepProgress) {
    let Done { request_id, adopted } = done;
    let address = step.address.clone();
    let (action, overwritten) = match (adopted, &step.before) {
        (Some(overwritten), _) => {
            let adoption = Adoption { address: address.clone(), overwritten };
            outcome.adopted.push(adoption.clone());
            (Action::Adopt, adoption.overwritten)
        }
        (None, Some(found)) if step.action == Action::Adopt => {
            (Action::Adopt, Overwritten::by(found, &step.changes))
        }
        (None, _) => (step.action, Vec::new()),
    };
    outcome.done.push((address, action));
    (action, StepProgress::Done { request_id, overwritten })
}

/// A request to stop a run: no new step is started, and those in flight may finish.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<Option<StopReason>>);

/// Requests the stop of every run that holds its [`Stop`].
#[derive(Debug)]
pub struct StopSwitch(watch::Sender<Option<StopReason>>);

/// Why a run stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StopReason {
    /// The user requested it, or the run's time-out has expired.
    Requested,
    /// The lock was lost: no further call may be made.
    LockLost,
}

impl StopSwitch {
    /// Makes a switch that is off, and its [`Stop`].
    #[must_use]
    pub fn new() -> (Self, Stop) {
        let (sender, receiver) = watch::channel(None);
        (Self(sender), Stop(receiver))
    }

    /// Requests the stop, irrevocably.
    pub fn stop(&self) {
        self.stop_because(StopReason::Requested);
    }

    /// Requests the stop; the first reason counts.
    fn stop_because(&self, reason: StopReason) {
        self.0.send_if_modified(|stop| {
            let is_first = stop.is_none();
            stop.get_or_insert(reason);
            is_first
        });
    }
}

impl Stop {
    /// Returns a stop that is never requested.
    fn never() -> Self {
        StopSwitch::new().1
    }

    /// Returns whether the stop was requested.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Returns why a step is not tried once the stop is requested.
    fn not_tried(&self) -> NotTried {
        match *self.0.borrow() {
            Some(StopReason::LockLost) => NotTried::StateFailed,
            Some(StopReason::Requested) | None => NotTried::Interrupted,
        }
    }

    /// Waits until the stop is requested. Never returns if it is not.
    pub async fn wanted(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(Option::is_some).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits for `work` or the stop; `None` if the stop was requested first.
    pub async fn or<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.wanted() => None,
            done = work => Some(done),
        }
    }
}
