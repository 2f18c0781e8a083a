//! Executes the steps of one provider: starts them in order, keeps many in flight at once, and stops when
//! further steps cannot succeed.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::task::{Id, JoinSet};
use tokio::time::Instant;

use super::Run;
use super::admission::{AliveRooms, SideDependencies, alive};
use super::call_admission::{CallAdmission, Reservation};
use super::journal::JournalWriter;
use super::observe::joined;
use super::step::{Effect, FinishedStep, InPlaceStep, StepEnd};
use super::worker::{QueryFailure, Worker};
use crate::model::{
    ErrorClass, Event, NotTried, Operation, Outcome, ProviderName, Step, StepEvent, StepFailure,
};
use crate::provider::Client;

/// How long steps in flight may take to finish after a stop: CI runners allow no more.
const GRACE: Duration = Duration::from_secs(5);

/// Executes the steps of one provider by its [`Worker`].
pub(super) struct ProviderExecutor {
    run: Arc<Run>,
    side_dependencies: Arc<SideDependencies>,
    worker: Option<Worker>,
    /// How many steps may be in flight at once.
    max_in_flight: usize,
    alive: AliveRooms,
    in_flight: JoinSet<FinishedStep>,
    started: HashMap<Id, (Step, Instant)>,
    halted: Arc<OnceLock<NotTried>>,
    creates_halted: Arc<OnceLock<NotTried>>,
    reached: bool,
    outcome: Outcome,
}

impl ProviderExecutor {
    pub(super) fn new(
        name: &ProviderName,
        steps: &[Step],
        run: Arc<Run>,
        journal: JournalWriter,
        side_dependencies: Arc<SideDependencies>,
    ) -> Self {
        let (halted, creates_halted) = (Arc::default(), Arc::default());
        let send_window = run.store.send_window();
        let worker = run.connections.get(name).map(|connection| Worker {
            admission: CallAdmission::of(&connection.provider, send_window),
            connection: connection.clone(),
            connections: Arc::new(run.connections.clone()),
            journal,
            stop: run.stop.clone(),
            recorded: run.recorded.clone(),
            effects: Arc::default(),
            halted: Arc::clone(&halted),
            creates_halted: Arc::clone(&creates_halted),
        });
        let provider = worker.as_ref().map(|worker| &worker.connection.provider);
        let default = provider.map(|provider| super::concurrency(provider, send_window));
        let max_in_flight = run.settings.concurrency.or(default).unwrap_or(1).max(1);
        Self {
            alive: alive(name, steps, &run),
            max_in_flight,
            worker,
            run,
            side_dependencies,
            in_flight: JoinSet::new(),
            started: HashMap::new(),
            halted,
            creates_halted,
            reached: false,
            outcome: Outcome::default(),
        }
    }

    /// Starts every step in order, then waits for those in flight.
    pub(super) async fn execute_all(mut self, steps: Vec<Step>) -> Outcome {
        let client = self.worker.as_ref().map(|worker| worker.connection.client.clone());
        let mut users = Registrations::new(client);
        for (at, step) in steps.iter().enumerate() {
            if self.is_open() {
                users.register_ahead(&steps, at.saturating_add(self.max_in_flight));
            } else {
                users.stop();
            }
            if let Err(why) = self.start(step).await {
                self.report_end(step, StepEnd::NotTried(why), None);
            }
        }
        self.finish().await;
        self.outcome
    }

    /// Returns whether more steps may start.
    fn is_open(&self) -> bool {
        let broken = self.worker.as_ref().is_none_or(|worker| worker.journal.is_broken());
        !broken && self.halted().is_none() && !self.run.stop.is_wanted()
    }

    /// Returns why no more steps are taken; `None` if they are.
    fn halted(&self) -> Option<NotTried> {
        let tripped = || self.worker.as_ref()?.connection.client.tripped().map(NotTried::from);
        self.halted.get().copied().or_else(tripped)
    }

    /// Waits until a step may start, and starts it. The error is why it is not tried.
    async fn start(&mut self, step: &Step) -> Result<(), NotTried> {
        let Some(worker) = self.worker.clone() else { return Err(NotTried::ProviderUnreachable) };
        while self.in_flight.len() >= self.max_in_flight {
            self.next_end().await;
        }
        self.may_start(step)?;
        let counted = step.action.adds_room() && !step.calls.is_empty();
        if counted {
            self.admit(step).await?;
        }
        if self.side_dependencies.must_wait(step) {
            self.start_later(worker, step);
            return Ok(());
        }
        let reserved = match self.reserve(&worker, step).await {
            Ok(reserved) => self.may_start(step).map(|()| reserved),
            Err(why) => Err(why),
        };
        if reserved.is_err() && counted {
            self.alive.gone();
        }
        let reserved = reserved?;
        self.run.report.event(&Event::Step(StepEvent::started(step)));
        let record = self.run.recorded.rooms.get(&step.address).cloned();
        let moved = step.clone();
        let task =
            self.in_flight.spawn(async move { worker.execute(moved, record, reserved).await });
        self.started.insert(task.id(), (step.clone(), Instant::now()));
        Ok(())
    }

    /// Starts a step once the sides of its room that are destroyed first are gone. Later steps do not wait
    /// for that.
    fn start_later(&mut self, worker: Worker, step: &Step) {
        let (run, side_dependencies, halted) =
            (self.run.clone(), self.side_dependencies.clone(), self.halted.clone());
        let moved = step.clone();
        let task = self.in_flight.spawn(async move {
            let step = moved;
            let gone = run.stop.or(side_dependencies.earlier_sides(&step)).await;
            let end = match (gone, halted.get()) {
                (None, _) => Some(StepEnd::NotTried(run.stop.not_tried())),
                (Some(Err(end)), _) => Some(end),
                (Some(Ok(())), Some(why)) => Some(StepEnd::NotTried(*why)),
                (Some(Ok(())), None) => None,
            };
            if let Some(end) = end {
                let (effect, duration) = (Effect::Stays, None);
                return FinishedStep { step, end, effect, duration, in_place_step: None };
            }
            run.report.event(&Event::Step(StepEvent::started(&step)));
            let record = run.recorded.rooms.get(&step.address).cloned();
            worker.execute(step, record, None).await
        });
        self.started.insert(task.id(), (step.clone(), Instant::now()));
    }

    /// Checks that a step of this kind may still start.
    fn may_start(&mut self, step: &Step) -> Result<(), NotTried> {
        while let Some(ended) = self.in_flight.try_join_next_with_id() {
            self.handle_end(ended);
        }
        if self.run.stop.is_wanted() {
            return Err(self.run.stop.not_tried());
        }
        if let Some(why) = self.halted() {
            return Err(why);
        }
        if self.creates_halted.get().is_some() && step.action.makes_room() {
            return Err(NotTried::Quota);
        }
        Ok(())
    }

    /// Waits until one more room may be created.
    async fn admit(&mut self, step: &Step) -> Result<(), NotTried> {
        while !self.alive.admit() {
            if !self.next_end().await {
                self.may_start(step)?;
                return Err(NotTried::NoRoomFreed);
            }
            self.may_start(step)?;
        }
        Ok(())
    }

    /// Waits for the permit or slot of a step's first call.
    async fn reserve(&self, worker: &Worker, step: &Step) -> Result<Option<Reservation>, NotTried> {
        let reserved = worker.admission.reserve(&worker.connection.client, step);
        let reserved = self.run.stop.or(reserved).await;
        Ok(reserved.ok_or_else(|| self.run.stop.not_tried())??)
    }

    /// Waits for the end of a step; returns false if none is in flight.
    async fn next_end(&mut self) -> bool {
        let stop = self.run.stop.clone();
        let ended = if stop.is_wanted() {
            return self.drain().await;
        } else {
            stop.or(self.in_flight.join_next_with_id()).await
        };
        match ended {
            Some(Some(ended)) => {
                self.handle_end(ended);
                true
            }
            Some(None) => false,
            None => self.drain().await,
        }
    }

    async fn finish(&mut self) {
        while self.next_end().await {}
    }

    /// Waits for the steps in flight until the grace period ends, then aborts them. Their intents are
    /// recorded. Returns false.
    async fn drain(&mut self) -> bool {
        let grace = tokio::time::sleep(GRACE);
        tokio::pin!(grace);
        loop {
            tokio::select! {
                biased;
                ended = self.in_flight.join_next_with_id() => match ended {
                    Some(ended) => self.handle_end(ended),
                    None => return false,
                },
                () = &mut grace => break,
            }
        }
        self.in_flight.abort_all();
        let left: Vec<(Step, Instant)> = self.started.drain().map(|(_, left)| left).collect();
        for (step, start) in left {
            let message = format!(
                "{} while its calls were in flight: the next run looks up their outcome",
                if self.run.stop.not_tried() == NotTried::StateFailed {
                    "the lock was lost"
                } else {
                    "interrupted"
                }
            );
            let failure = StepFailure {
                address: step.address.clone(),
                action: step.action,
                message,
                code: None,
                request_id: None,
                pending: true,
                partial: false,
            };
            self.report_end(&step, StepEnd::Failed(failure, None), Some(start.elapsed()));
        }
        self.in_flight = JoinSet::new();
        false
    }

    fn handle_end(&mut self, ended: Result<(Id, FinishedStep), tokio::task::JoinError>) {
        let (id, FinishedStep { step, end, effect, duration, in_place_step }) = joined(ended);
        self.started.remove(&id);
        if let Some(InPlaceStep { step, end }) = in_place_step {
            self.report_end(&step, end, duration);
        }
        match effect {
            Effect::AsPlanned => {}
            Effect::Gone => self.alive.gone(),
            Effect::Stays => self.alive.not_destroyed(),
        }
        self.react_to(&end);
        self.report_end(&step, end, duration);
    }

    /// Halts the steps that cannot succeed any more after a step ended this way.
    fn react_to(&mut self, end: &StepEnd) {
        if self.worker.as_ref().is_some_and(|worker| worker.journal.is_broken()) {
            self.halt(NotTried::StateFailed);
            return;
        }
        match end {
            StepEnd::Failed(failure, Some(class)) => self.react_to_class(*class, failure.code),
            StepEnd::Failed(failure, None) => self.reached |= failure.code.is_some(),
            StepEnd::Waiting(_, Some(QueryFailure { side: None, api_error })) => {
                self.react_to_class(api_error.class, api_error.code);
            }
            StepEnd::Done(_) | StepEnd::Waiting(_, None) => self.reached = true,
            // The executor of the other provider reacts to its errors.
            StepEnd::Waiting(_, Some(QueryFailure { side: Some(_), api_error: _ }))
            | StepEnd::NotTried(_) => {}
        }
    }

    /// Halts the steps that cannot succeed any more after this error; `code` is `None` if the service did
    /// not answer.
    fn react_to_class(&mut self, class: ErrorClass, code: Option<i64>) {
        match (class, code) {
            (ErrorClass::Fatal, _) => self.halt(NotTried::ProviderFatal),
            (ErrorClass::Quota, _) => drop(self.creates_halted.set(NotTried::Quota)),
            (ErrorClass::Retry, None) if !self.reached => {
                self.halt(NotTried::ProviderUnreachable);
            }
            (
                ErrorClass::Retry
                | ErrorClass::TooOften
                | ErrorClass::SignAgain
                | ErrorClass::OperatorUnknown
                | ErrorClass::Missing
                | ErrorClass::Exists
                | ErrorClass::Taken
                | ErrorClass::Unknown
                | ErrorClass::Unrecognised
                | ErrorClass::Refused
                | ErrorClass::Stopped,
                code,
            ) => self.reached |= code.is_some(),
        }
    }

    /// Halts the provider: no more steps start. The first reason counts.
    fn halt(&self, why: NotTried) {
        // `set` fails if there is a reason already.
        let _ = self.halted.set(why);
    }

    fn report_end(&mut self, step: &Step, end: StepEnd, duration: Option<Duration>) {
        self.side_dependencies.note_end(step, &end);
        self.run.report_end(&mut self.outcome, step, end, duration);
    }
}

/// Registers the users that the next steps need while earlier steps are in flight. Otherwise a create
/// would hold its permit of the rate limit during the registration. Dropping it aborts the registrations
/// in flight.
pub(super) struct Registrations {
    client: Option<Arc<Client>>,
    in_flight: JoinSet<()>,
    /// The number of steps whose registrations have started.
    started: usize,
}

impl Registrations {
    pub(super) fn new(client: Option<Arc<Client>>) -> Self {
        Self { client, in_flight: JoinSet::new(), started: 0 }
    }

    /// Stops registering users, because no further step starts.
    pub(super) fn stop(&mut self) {
        self.client = None;
        self.in_flight.abort_all();
    }

    /// Starts the registrations of the steps before index `end`.
    pub(super) fn register_ahead(&mut self, steps: &[Step], end: usize) {
        let Some(client) = &self.client else { return };
        let end = end.min(steps.len());
        for step in steps.get(self.started..end).unwrap_or_default() {
            let made = step.action.makes_room().then(|| step.after.clone()).flatten();
            if let Some(room) = made {
                let (client, operation) = (client.clone(), Operation::Create(room));
                // The client caches the result for the step that needs it.
                self.in_flight.spawn(async move { drop(client.prepare(&operation).await) });
            }
        }
        self.started = self.started.max(end);
        while self.in_flight.try_join_next().is_some() {}
    }
}
