//! `apply` and `destroy`: plan, show, ask, carry out, save.

use std::path::Path;
use std::sync::Arc;

use super::args::{ApplyArgs, ApplyingArgs, DestroyArgs, Format, Global, PlanningArgs};
use super::connect::{self, Connected, Use};
use super::console::Console;
use super::context::Context;
use super::exit::{Exit, Stopped};
use super::planning::{self, Ground};
use super::{session, signals};
use crate::apply::{self, Run, Settings, Stop};
use crate::model::{
    Approval, ApprovedPlan, Asked, Consent, Desired, Destroys, Finding, Gate, Outcome, People,
    Plan, ProviderName,
};
use crate::plan::{self, Scope};
use crate::render;
use crate::state::{FileStore, LastCalls, Locked, WriteStore};

/// What `apply` and `destroy` have in common, and where they differ.
struct Job<'a> {
    name: &'static str,
    desired: Desired,
    warnings: Vec<Finding>,
    planning: &'a PlanningArgs,
    applying: &'a ApplyingArgs,
    destroys: Destroys,
    /// Whether a "yes" on the terminal consents to every destroy that was shown.
    yes_covers: YesCovers,
}

/// What a typed "yes" consents to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum YesCovers {
    /// The steps that the gate lets through.
    OpenSteps,
    /// Everything that was shown: `destroy` is nothing but destroys.
    Everything,
}

/// `apply`.
pub(super) async fn apply(
    args: &ApplyArgs,
    global: &Global,
    context: &Context,
    console: &Console,
) -> Result<Exit, Stopped> {
    let files = session::files(global)?;
    let destroys = if args.no_destroy { Destroys::LeftOut } else { Destroys::Wanted };
    let job = Job {
        name: "apply",
        desired: files.desired,
        warnings: files.warnings,
        planning: &args.planning,
        applying: &args.applying,
        destroys,
        yes_covers: YesCovers::OpenSteps,
    };
    job.run(global, context, console).await
}

/// `destroy`.
pub(super) async fn destroy(
    args: &DestroyArgs,
    global: &Global,
    context: &Context,
    console: &Console,
) -> Result<Exit, Stopped> {
    let mut files = session::files(global)?;
    files.desired = plan::nothing_desired(files.desired);
    let off_terminal = !console.is_interactive();
    if off_terminal && !(args.applying.auto_approve && args.applying.allow_destroy.is_some()) {
        let words = "off a terminal `destroy` wants --auto-approve and --allow-destroy N";
        return Err(Stopped::refused("not_approved", words));
    }
    let job = Job {
        name: "destroy",
        desired: files.desired,
        warnings: Vec::new(),
        planning: &args.planning,
        applying: &args.applying,
        destroys: Destroys::Wanted,
        yes_covers: YesCovers::Everything,
    };
    job.run(global, context, console).await
}

impl Job<'_> {
    async fn run(
        self,
        global: &Global,
        context: &Context,
        console: &Console,
    ) -> Result<Exit, Stopped> {
        let stop = signals::listen()?;
        let path = session::state_path(global, &self.desired)?;
        warn_of_local_state(context, console);
        connect::require_secrets(&self.desired)?;
        let store = FileStore::new(&path);
        let wait = self.applying.lock_timeout;
        session::under_lock(&store, self.name, wait, context, async |locked| {
            let recorded = &locked.snapshot().recorded;
            let opened = match session::belongs(&self.desired, recorded) {
                Ok(()) => connect::connect(&self.desired, &path, Use::Changes, global).await,
                Err(stopped) => Err(stopped),
            };
            match opened {
                Ok(connected) => {
                    connected.resume(locked.snapshot());
                    let done = self.work(&path, &connected, locked, &stop, console).await;
                    connected.close(done).await
                }
                Err(stopped) => (Err(stopped), LastCalls::new()),
            }
        })
        .await
    }

    /// Recovers, looks, plans, shows, asks, carries out.
    async fn work(
        &self,
        path: &Path,
        connected: &Connected,
        store: Arc<Locked>,
        stop: &Stop,
        console: &Console,
    ) -> Result<Exit, Stopped> {
        let settings = self.settings();
        let connections = &connected.connections;
        let recorded = store.snapshot().recorded.clone();
        let recovered = apply::recover(recorded, connections, &settings, store.clone(), stop)
            .await
            .map_err(session::state_error)?;
        let mode = planning::refresh(self.planning, &self.desired);
        let mut ground = Ground {
            desired: &self.desired,
            recorded: &recovered.recorded,
            observed: recovered.observed,
            evict: &settings.evict,
        };
        let eyes = apply::eyes(connections);
        ground.look(mode, Scope::Apply, &eyes, connections, stop).await;
        let mut plan = ground.plan(Asked::Yes(mode), connections);
        plan.findings.splice(0..0, self.warnings.iter().cloned());
        self.consent_beforehand(&mut plan.gate);
        match self.planning.format {
            Format::Json => console.print(|out| render::plan_event_json(out, &plan))?,
            Format::Text => planning::show(&plan, &ground, self.planning, path, console)?,
        }
        if stop.is_wanted() {
            return Err(Stopped::new(Exit::Partly, "interrupted", anyhow::anyhow!("interrupted")));
        }
        let observed = ground.observed.clone();
        let seen = apply::seen(&recovered.recorded, &observed, connections);
        let before = planning::unread(&plan).or(planning::blocked(&plan));
        let waits = !plan.waiting.is_empty();
        let approved = self.approve(plan, stop, console).await?;
        reserve(&approved, &store).await?;
        let used = |name: &ProviderName| {
            approved.steps().iter().any(|step| step.address.provider == *name)
        };
        let mut entries = session::identities(&self.desired, &recovered.recorded, used);
        entries.extend(seen.entries);
        if !entries.is_empty() {
            store.append(entries).await.map_err(session::state_error)?;
        }
        let held = approved.refused();
        let progress = Arc::new(console.progress(approved.steps().len(), self.planning.format));
        let outcome = apply::run(
            approved,
            Run {
                recorded: seen.recorded,
                observed,
                connections: connections.clone(),
                settings,
                store,
                report: progress.clone(),
                stop: stop.clone(),
            },
        )
        .await;
        progress.finish();
        self.tell(&outcome, console)?;
        Ok(self.exit(&outcome, before, held, waits))
    }

    /// Opens the gate where the command line consents to all that it would hold back.
    fn consent_beforehand(&self, gate: &mut Gate) {
        if self.applying.allow_destroy.is_some_and(|most| most >= gate.counted) {
            gate.refusals.clear();
        }
    }

    fn settings(&self) -> Settings {
        Settings {
            concurrency: self.applying.concurrency.map_or(apply::DEFAULT_CONCURRENCY, usize::from),
            on_conflict: self.desired.policy.on_conflict,
            on_occupied: self.desired.policy.on_occupied,
            evict: self.applying.evict.iter().cloned().collect(),
        }
    }

    /// Takes the plan through the gate with the user's consent.
    async fn approve(
        &self,
        plan: Plan,
        stop: &Stop,
        console: &Console,
    ) -> Result<ApprovedPlan, Stopped> {
        let approval = if plan.steps.is_empty() {
            Approval::NothingToDo
        } else if self.applying.auto_approve {
            Approval::Automatic
        } else if !console.is_interactive() {
            let words = "nothing was done: there is no terminal to ask on; say --auto-approve";
            return Err(Stopped::refused("not_approved", words));
        } else if console.ask("Carry out this plan?", stop).await? {
            Approval::Typed
        } else {
            return Err(Stopped::refused("not_approved", "nothing was done: not approved"));
        };
        let everything = approval == Approval::Typed && self.yes_covers == YesCovers::Everything;
        let allow_destroy = match self.applying.allow_destroy {
            None if everything => Some(plan.gate.counted),
            given => given,
        };
        Ok(ApprovedPlan::new(plan, Consent { approval, allow_destroy, destroys: self.destroys }))
    }

    fn tell(&self, outcome: &Outcome, console: &Console) -> Result<(), Stopped> {
        match self.planning.format {
            Format::Json => console.print(|out| render::summary_json(out, outcome)),
            Format::Text => console.print(|out| render::outcome_text(out, outcome)),
        }
    }

    fn exit(&self, outcome: &Outcome, before: Exit, held: bool, waits: bool) -> Exit {
        let tried = outcome.not_tried.iter().all(|(_, _, why)| why.is_gate());
        let unread = outcome.waiting.iter().any(|(_, _, people)| *people == People::Unknown);
        let whole = outcome.failed.is_empty() && tried && !unread;
        let steps = if whole { Exit::Done } else { Exit::Partly };
        let gate = if held { Exit::Refused } else { Exit::Done };
        let waits = waits || !outcome.waiting.is_empty();
        let waiting =
            if waits && self.planning.detailed_exitcode { Exit::Partly } else { Exit::Done };
        steps.or(gate).or(waiting).or(before)
    }
}

/// Finds a full disk or a read-only folder before the first call.
async fn reserve(approved: &ApprovedPlan, store: &Locked) -> Result<(), Stopped> {
    /// An intent and a result for each of two calls.
    const ENTRIES_A_STEP: usize = 4;
    let entries = approved.steps().len().saturating_mul(ENTRIES_A_STEP);
    store.reserve(entries).await.map_err(session::state_error)
}

fn warn_of_local_state(context: &Context, console: &Console) {
    if context.ci {
        console.note(
            "warning: CI is set and the state is a local file: keep it where the next run finds it",
        );
    }
}
