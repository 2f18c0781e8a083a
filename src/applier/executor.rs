//! The steps of one provider: started in order, many under way at once, stopped where nothing more
//! makes sense.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::task::{Id, JoinSet};
use tokio::time::Instant;

use super::alive::Alive;
use super::change::Worker;
use super::guard::Unasked;
use super::ledger::Ledger;
use super::observe::joined;
use super::run::Run;
use super::side_dependencies::SideDependencies;
use super::step::{Also, Effect, End, Ended};
use super::users::Users;
use crate::model::{
    Action, Address, ErrorClass, Event, NotTried, Observation, Outcome, ProviderName, RecordedRoom,
    Step, StepEvent, StepFailure,
};
use crate::provider::Permit;

/// How long steps under way may go on once the run is to stop: CI runners give no more.
const GRACE: Duration = Duration::from_secs(5);

/// The steps of one provider.
pub(super) struct ProviderExecutor {
    run: Arc<Run>,
    side_dependencies: Arc<SideDependencies>,
    worker: Option<Worker>,
    /// How many steps may be under way at once.
    most: usize,
    alive: Alive,
    in_flight: JoinSet<Ended>,
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
        ledger: Ledger,
        side_dependencies: Arc<SideDependencies>,
    ) -> Self {
        let (halted, creates_halted) = (Arc::default(), Arc::default());
        let worker = run.connections.get(name).map(|connection| Worker {
            connection: connection.clone(),
            connections: Arc::new(run.connections.clone()),
            ledger,
            settings: Arc::new(run.settings.clone()),
            stop: run.stop.clone(),
            recorded: run.recorded.clone(),
            effects: Arc::default(),
            halted: Arc::clone(&halted),
            creates_halted: Arc::clone(&creates_halted),
        });
        let most = worker.as_ref().map(|worker| super::concurrency(&worker.connection.provider));
        let most = run.settings.concurrency.or(most).unwrap_or(1).max(1);
        Self {
            alive: alive(name, steps, &run),
            most,
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

    /// Starts every step in order, then waits for those under way.
    pub(super) async fn drive(mut self, steps: Vec<Step>) -> Outcome {
        let client = self.worker.as_ref().map(|worker| worker.connection.client.clone());
        let mut users = Users::new(client);
        for (at, step) in steps.iter().enumerate() {
            if self.is_open() {
                users.look_ahead(&steps, at.saturating_add(self.most));
            } else {
                users.give_up();
            }
            if let Err(why) = self.start(step).await {
                self.tell(step, End::NotTried(why), None);
            }
        }
        self.finish().await;
        self.outcome
    }

    /// Whether the provider is called at all.
    fn is_open(&self) -> bool {
        let broken = self.worker.as_ref().is_none_or(|worker| worker.ledger.is_broken());
        !broken && self.halted().is_none() && !self.run.stop.is_wanted()
    }

    /// Why no more steps are taken.
    fn halted(&self) -> Option<NotTried> {
        let tripped = || self.worker.as_ref()?.connection.client.tripped().map(NotTried::from);
        self.halted.get().copied().or_else(tripped)
    }

    /// Starts a step as soon as it may start; the error is why it is not tried.
    async fn start(&mut self, step: &Step) -> Result<(), NotTried> {
        let Some(worker) = self.worker.clone() else { return Err(NotTried::ProviderUnreachable) };
        while self.in_flight.len() >= self.most {
            self.next_end().await;
        }
        self.may_start(step)?;
        let counted = step.action.adds_room() && !step.calls.is_empty();
        if counted {
            self.admit(step).await?;
        }
        if self.side_dependencies.is_held_up(step) {
            self.start_later(worker, step);
            return Ok(());
        }
        let permit = match self.permit(&worker, step).await {
            Ok(permit) => self.may_start(step).map(|()| permit),
            Err(why) => Err(why),
        };
        if permit.is_err() && counted {
            self.alive.gone();
        }
        let permit = permit?;
        self.run.report.event(&Event::Step(StepEvent::started(step)));
        let record = self.run.recorded.rooms.get(&step.address).cloned();
        let moved = step.clone();
        let task =
            self.in_flight.spawn(async move { worker.carry_out(moved, record, permit).await });
        self.started.insert(task.id(), (step.clone(), Instant::now()));
        Ok(())
    }

    /// Starts a step as soon as the sides of its room that go first are gone; the steps after it do not
    /// wait for that.
    fn start_later(&mut self, worker: Worker, step: &Step) {
        let (run, side_dependencies, halted) =
            (self.run.clone(), self.side_dependencies.clone(), self.halted.clone());
        let moved = step.clone();
        let task = self.in_flight.spawn(async move {
            let step = moved;
            let gone = run.stop.or(side_dependencies.earlier_sides(&step)).await;
            let end = match (gone, halted.get()) {
                (None, _) => Some(End::NotTried(NotTried::Interrupted)),
                (Some(Err(end)), _) => Some(end),
                (Some(Ok(())), Some(why)) => Some(End::NotTried(*why)),
                (Some(Ok(())), None) => None,
            };
            if let Some(end) = end {
                return Ended { step, end, effect: Effect::Stays, duration: None, also: None };
            }
            run.report.event(&Event::Step(StepEvent::started(&step)));
            let record = run.recorded.rooms.get(&step.address).cloned();
            worker.carry_out(step, record, None).await
        });
        self.started.insert(task.id(), (step.clone(), Instant::now()));
    }

    /// Whether the executor still takes such a step.
    fn may_start(&mut self, step: &Step) -> Result<(), NotTried> {
        while let Some(ended) = self.in_flight.try_join_next_with_id() {
            self.take(ended);
        }
        if self.run.stop.is_wanted() {
            return Err(NotTried::Interrupted);
        }
        if let Some(why) = self.halted() {
            return Err(why);
        }
        if self.creates_halted.get().is_some() && step.action.makes_room() {
            return Err(NotTried::Quota);
        }
        Ok(())
    }

    /// Waits until there is place for one more room.
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

    /// The permit of a step's first call; none where it makes no call, or asks something first.
    async fn permit(&self, worker: &Worker, step: &Step) -> Result<Option<Permit>, NotTried> {
        if step.asks_first() {
            return Ok(None);
        }
        let Some(call) = step.calls.first().copied() else { return Ok(None) };
        let permit = self.run.stop.or(worker.connection.client.permit(call)).await;
        Ok(Some(permit.ok_or(NotTried::Interrupted)??))
    }

    /// Waits for the end of a step; false where none is under way.
    async fn next_end(&mut self) -> bool {
        let stop = self.run.stop.clone();
        let ended = if stop.is_wanted() {
            return self.drain().await;
        } else {
            stop.or(self.in_flight.join_next_with_id()).await
        };
        match ended {
            Some(Some(ended)) => {
                self.take(ended);
                true
            }
            Some(None) => false,
            None => self.drain().await,
        }
    }

    async fn finish(&mut self) {
        while self.next_end().await {}
    }

    /// Gives the steps under way their grace, then leaves them: their intents are on record.
    async fn drain(&mut self) -> bool {
        let grace = tokio::time::sleep(GRACE);
        tokio::pin!(grace);
        loop {
            tokio::select! {
                biased;
                ended = self.in_flight.join_next_with_id() => match ended {
                    Some(ended) => self.take(ended),
                    None => return false,
                },
                () = &mut grace => break,
            }
        }
        self.in_flight.abort_all();
        let left: Vec<(Step, Instant)> = self.started.drain().map(|(_, left)| left).collect();
        for (step, start) in left {
            let message = "interrupted while its calls were under way: the next run looks what became of them";
            let failure = StepFailure {
                address: step.address.clone(),
                action: step.action,
                message: message.to_owned(),
                code: None,
                request_id: None,
                pending: true,
                partial: false,
            };
            self.tell(&step, End::Failed(failure, None), Some(start.elapsed()));
        }
        self.in_flight = JoinSet::new();
        false
    }

    fn take(&mut self, ended: Result<(Id, Ended), tokio::task::JoinError>) {
        let (id, Ended { step, end, effect, duration, also }) = joined(ended);
        self.started.remove(&id);
        if let Some(Also { step, end }) = also {
            self.tell(&step, end, duration);
        }
        match effect {
            Effect::AsPlanned => {}
            Effect::Gone => self.alive.gone(),
            Effect::Stays => self.alive.stays(),
        }
        self.heed(&end);
        self.tell(&step, end, duration);
    }

    /// Stops what no longer makes sense after a step ended so.
    fn heed(&mut self, end: &End) {
        if self.worker.as_ref().is_some_and(|worker| worker.ledger.is_broken()) {
            self.halt(NotTried::StateFailed);
            return;
        }
        match end {
            End::Failed(failure, Some(class)) => self.heed_error_class(*class, failure.code),
            End::Failed(failure, None) => self.reached |= failure.code.is_some(),
            End::Waiting(_, Some(Unasked { side: None, api_error })) => {
                self.heed_error_class(api_error.class, api_error.code);
            }
            End::Done(_) | End::Waiting(_, None) => self.reached = true,
            // What another provider answers is for its own executor to heed.
            End::Waiting(_, Some(Unasked { side: Some(_), api_error: _ })) | End::NotTried(_) => {}
        }
    }

    /// Stops what an answer, or the want of one, says will not succeed.
    fn heed_error_class(&mut self, class: ErrorClass, code: Option<i64>) {
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

    /// Takes no more steps; the first reason counts.
    fn halt(&self, why: NotTried) {
        // An error says that there is a reason already.
        let _ = self.halted.set(why);
    }

    fn tell(&mut self, step: &Step, end: End, duration: Option<Duration>) {
        self.side_dependencies.tell(step, &end);
        self.run.tell(&mut self.outcome, step, end, duration);
    }
}

/// The count of living rooms of one provider before and after its steps.
fn alive(name: &ProviderName, steps: &[Step], run: &Run) -> Alive {
    let recorded = run.recorded.rooms.keys().filter(|address| address.provider == *name);
    let may_live = |address: &&Address| {
        let destroyed = run.recorded.rooms.get(*address).is_some_and(RecordedRoom::is_destroyed);
        !destroyed && !matches!(run.observed.of(address), Some(Observation::Gone(_)))
    };
    let before = u64::try_from(recorded.filter(may_live).count()).unwrap_or(u64::MAX);
    let count = |wanted: fn(Action) -> bool| {
        u64::try_from(steps.iter().filter(|step| wanted(step.action)).count()).unwrap_or(u64::MAX)
    };
    let destroys = count(|action| action == Action::Destroy);
    let after = before.saturating_sub(destroys).saturating_add(count(Action::adds_room));
    let most = run.connections.get(name).and_then(|connection| connection.provider.max_rooms);
    Alive::new(before, after, most)
}
