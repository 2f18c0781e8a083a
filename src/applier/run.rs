//! Carries out an approved plan: steps start in order, many under way at once, and fail alone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::executor::ProviderExecutor;
use super::ledger::Ledger;
use super::observe::joined;
use super::side_dependencies::SideDependencies;
use super::step::{End, Made};
use super::{Connections, Report, Settings, Stop};
use crate::model::{
    Action, Adoption, ApprovedPlan, Event, Held, Observed, Outcome, Overwritten, ProviderName,
    Recorded, Step, StepEvent, StepProgress, StepWait,
};
use crate::state::WriteStore;

/// Everything that a run works with.
pub struct Run {
    /// The record before the run.
    pub recorded: Arc<Recorded>,
    /// What was observed before the plan was made.
    pub observed: Observed,
    /// The means to call the providers.
    pub connections: Connections,
    /// How to behave.
    pub settings: Settings,
    /// Where the record is written.
    pub store: Arc<dyn WriteStore>,
    /// Who hears of it.
    pub report: Arc<dyn Report>,
    /// The wish to stop.
    pub stop: Stop,
}

/// Carries out a plan that passed the gate. Providers go side by side.
pub async fn run(plan: ApprovedPlan, run: Run) -> Outcome {
    let run = Arc::new(run);
    let ledger = Ledger::new(run.store.clone());
    let side_dependencies = Arc::new(SideDependencies::new(&plan, &run.connections));
    let (blocked, unread) = (plan.blocked(), plan.unread());
    let mut outcome = Outcome { blocked, unread, ..Outcome::default() };
    for Held { step, reason: _ } in plan.waiting() {
        run.tell(&mut outcome, step, End::Waiting(step.people, None), None);
    }
    for (step, why) in plan.held() {
        run.tell(&mut outcome, step, End::NotTried(*why), None);
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
            ledger.clone(),
            side_dependencies.clone(),
        );
        executors.spawn(async move { executor.drive(steps).await });
    }
    while let Some(done) = executors.join_next().await {
        outcome.merge(joined(done));
    }
    run.report.event(&Event::StepsEnded);
    outcome
}

impl Run {
    /// Reports the end of a step that took so long, and adds it to the outcome.
    pub(super) fn tell(
        &self,
        outcome: &mut Outcome,
        step: &Step,
        end: End,
        duration: Option<Duration>,
    ) {
        let (address, action) = (step.address.clone(), step.action);
        let (action, progress) = match end {
            End::Done(made) => done(outcome, step, made),
            End::Failed(failure, _) => {
                outcome.failed.push(failure.clone());
                (action, StepProgress::Failed(failure))
            }
            End::Waiting(people, unasked) => {
                let unasked = unasked.map(|unasked| unasked.to_string());
                let wait = StepWait { address: address.clone(), action, people, unasked };
                outcome.waiting.push(wait.clone());
                (action, StepProgress::Waiting(wait))
            }
            End::NotTried(why) => {
                outcome.not_tried.push((address.clone(), action, why));
                (action, StepProgress::NotTried(why))
            }
        };
        let reason = step.reason;
        self.report.event(&Event::Step(StepEvent { address, action, reason, duration, progress }));
    }
}

/// Adds a step that is done to the outcome. A room that was to be created and existed already is
/// adopted, not created.
fn done(outcome: &mut Outcome, step: &Step, made: Made) -> (Action, StepProgress) {
    let Made { request_id, adopted } = made;
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
