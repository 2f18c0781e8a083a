//! `apply` and `destroy`: plan, show, ask, carry out, save.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::args::{ApplyArgs, ApplyingArgs, DestroyArgs, Format, Global, PlanningArgs};
use super::connect::{self, Connected, Use};
use super::console::Console;
use super::context::Context;
use super::exit::{Exit, Stopped};
use super::planning::{self, Ground};
use super::progress::Progress;
use super::{session, signals};
use crate::applier::{self, Run, Seen, Settings, Stop};
use crate::model::{
    Address, Approval, ApprovedPlan, Consent, Desired, Destroys, Finding, Gate, Outcome, Plan,
    ProviderIdentity, ProviderName, Recorded, Refreshed, Refusal, RefusalKind, Step,
};
use crate::planner::{self, Scope};
use crate::render;
use crate::state::{Entry, FileStore, LastCalls, Locked, WriteStore};

/// What `apply` and `destroy` have in common, and where they differ.
struct Job<'a> {
    name: &'static str,
    desired: Arc<Desired>,
    warnings: Vec<Finding>,
    planning: &'a PlanningArgs,
    applying: &'a ApplyingArgs,
    destroys: Destroys,
    allow_recreate: Option<u64>,
    /// Whether a "yes" on the terminal consents to every destroy that was shown.
    yes_covers: YesCovers,
}

/// What a run works with: its providers, and the locked state.
struct Opened<'a> {
    connected: &'a Connected,
    store: Arc<Locked>,
    /// What is said of the providers' hosts.
    hosts: Vec<Finding>,
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
    let files = session::files(global, console)?;
    let destroys = if args.no_destroy { Destroys::LeftOut } else { Destroys::Wanted };
    let job = Job {
        name: "apply",
        desired: Arc::new(files.desired),
        warnings: files.warnings,
        planning: &args.planning,
        applying: &args.applying,
        destroys,
        allow_recreate: args.allow_recreate,
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
    let files = session::files(global, console)?;
    let job = Job {
        name: "destroy",
        desired: Arc::new(planner::nothing_desired(files.desired)),
        warnings: Vec::new(),
        planning: &args.planning,
        applying: &args.applying,
        destroys: Destroys::Wanted,
        allow_recreate: None,
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
        let stop = signals::listen(console.output())?;
        let path = session::state_path(global, &self.desired, console)?;
        warn_of_local_state(context, console);
        connect::require_secrets(&self.desired)?;
        let store = FileStore::new(&path).sharing(Arc::clone(&self.desired));
        let wait = self.applying.lock_timeout;
        let changed = Cell::new(false);
        let ended = session::under_lock(&store, self.name, wait, context, &stop, async |locked| {
            let recorded = &locked.snapshot().recorded;
            let allow = self.planning.allow_endpoint_change;
            let opened = match session::belongs(&self.desired, recorded, allow) {
                Ok(hosts) => connect::connect(&self.desired, &path, Use::Changes, global)
                    .await
                    .map(|connected| (connected, hosts)),
                Err(stopped) => Err(stopped),
            };
            match opened {
                Ok((connected, hosts)) => {
                    connected.resume(locked.snapshot(), &self.desired);
                    let session = Opened { connected: &connected, store: locked, hosts };
                    let done = self.work(&path, session, &stop, console, &changed).await;
                    connected.close(done).await
                }
                Err(stopped) => (Err(stopped), LastCalls::new()),
            }
        })
        .await;
        ended.map_err(|stopped| if changed.get() { stopped.after_changes() } else { stopped })
    }

    /// Recovers, looks, plans, shows, asks, carries out; notes whether something was changed.
    async fn work(
        &self,
        path: &Path,
        Opened { connected, store, hosts }: Opened<'_>,
        stop: &Stop,
        console: &Console,
        changed: &Cell<bool>,
    ) -> Result<Exit, Stopped> {
        let settings = self.settings();
        let evict: BTreeSet<Address> = self.applying.evict.iter().cloned().collect();
        let connections = &connected.connections;
        let recorded = store.snapshot().recorded.clone();
        let all = session::with_old_names(&self.desired, connections);
        let recovered = applier::recover(recorded, &all, store.clone(), stop)
            .await
            .map_err(session::state_error)?;
        let mode = planning::refresh(self.planning, &self.desired);
        let mut ground = Ground {
            desired: &self.desired,
            recorded: &recovered.recorded,
            observed: planning::as_declared(&self.desired, recovered.observed),
            evict: &evict,
            in_progress: None,
        };
        let observers = applier::observers(connections);
        ground.look(mode, Scope::Apply, &observers, connections, stop).await;
        if stop.is_wanted() {
            let error = anyhow::anyhow!("interrupted before the plan was made: nothing was done");
            return Err(Stopped::new(Exit::Partly, "interrupted", error));
        }
        let mut plan = ground.plan(Refreshed::As(mode));
        plan.findings.splice(0..0, self.warnings.iter().cloned().chain(hosts));
        plan.findings.extend(self.idle_evictions(&plan));
        plan.gate = self.consent(Approval::NothingToDo).evaluate(plan.gate);
        match self.planning.format {
            Format::Json => console.document(|out| render::plan_event_json(out, &plan))?,
            Format::Text => planning::show(&plan, self.planning, path, console)?,
        }
        self.keep_secrets_out(&plan, console)?;
        let before = planning::unread(&plan).or(planning::blocked(&plan));
        let idle = plan.steps.is_empty();
        let approved = self.approve(plan, stop, console).await?;
        store.check().await.map_err(session::state_error)?;
        let declared = planner::as_declared(&self.desired, &recovered.recorded);
        let moves = session::moves(&self.desired, &declared);
        let recorded = Arc::new(declared.recorded.into_owned());
        let seen = applier::seen(&recorded, &ground.observed, connections);
        let recorded = self.prepare(&approved, moves, seen, &store).await?;
        let progress =
            Arc::new(Progress::start(console, approved.steps().len(), self.planning.format));
        let run = Run {
            recorded,
            observed: ground.observed.clone(),
            connections: connections.clone(),
            settings: settings.clone(),
            store,
            report: progress.clone(),
            stop: stop.clone(),
        };
        let outcome = applier::run(approved, run).await;
        progress.finish();
        changed.set(outcome.has_changed_something());
        self.tell(&outcome, idle, console)?;
        let exit = Exit::of(&outcome, self.planning.detailed_exitcode);
        Ok(exit.or(before))
    }

    /// Refuses a plan that would write a secret into the state.
    fn keep_secrets_out(&self, plan: &Plan, console: &Console) -> Result<(), Stopped> {
        let identities = self.desired.providers.values().map(ProviderIdentity::of);
        console.refuse_secrets("the state", identities)?;
        let rooms = plan.steps.iter().map(|it| (&it.address, &it.after, &it.changes, &it.source));
        console.refuse_secrets("the state", rooms)
    }

    /// Writes down what is known before the first call. A full disk, or a folder that is read-only,
    /// shows here.
    async fn prepare(
        &self,
        approved: &ApprovedPlan,
        moves: Vec<Entry>,
        seen: Seen,
        store: &Locked,
    ) -> Result<Arc<Recorded>, Stopped> {
        /// An intent and a result for each of two calls.
        const ENTRIES_A_STEP: usize = 4;
        let Seen { recorded, entries: seen } = seen;
        let used = |name: &ProviderName| {
            approved.steps().iter().any(|step| step.address.provider == *name)
        };
        let mut entries = moves;
        entries.extend(session::identities(&self.desired, &recorded, used));
        entries.extend(seen);
        let expected = approved.steps().len().saturating_mul(ENTRIES_A_STEP) + entries.len();
        if expected > 0 {
            store.reserve(expected).await.map_err(session::state_error)?;
            store.append(entries).await.map_err(session::state_error)?;
        }
        Ok(recorded)
    }

    /// A word on `--evict` where nothing is to be destroyed.
    fn idle_evictions(&self, plan: &Plan) -> Vec<Finding> {
        let about = |step: &Step, address: &Address| {
            step.address == *address || step.sides.others(&step.address).any(|it| it == *address)
        };
        let idle = |address: &&Address| !plan.steps.iter().any(|step| about(step, address));
        let word = |address: &Address| {
            let message = format!("`--evict {address}` has nothing to do: no step is about it");
            Finding::warning("idle_evict", message).about(address)
        };
        self.applying.evict.iter().filter(idle).map(word).collect()
    }

    fn consent(&self, approval: Approval) -> Consent {
        let (allow_destroy, allow_recreate) = (self.applying.allow_destroy, self.allow_recreate);
        Consent { approval, allow_destroy, allow_recreate, destroys: self.destroys }
    }

    /// What a "yes" on the terminal would consent to.
    fn typed(&self, gate: &Gate) -> Consent {
        let mut consent = self.consent(Approval::Typed);
        if self.yes_covers == YesCovers::Everything {
            consent.allow_destroy.get_or_insert(gate.counted);
        }
        consent
    }

    fn settings(&self) -> Settings {
        Settings {
            concurrency: self.applying.concurrency.map(usize::from),
            on_conflict: self.desired.policy.on_conflict,
        }
    }

    /// Takes the plan through the gate with the user's consent, which is asked for where there is
    /// something that it would let through.
    async fn approve(
        &self,
        plan: Plan,
        stop: &Stop,
        console: &Console,
    ) -> Result<ApprovedPlan, Stopped> {
        let typed = self.typed(&plan.gate);
        let both = self.applying.auto_approve && self.applying.allow_destroy.is_some();
        let consent = if typed.leaves_all(&plan) {
            self.consent(Approval::NothingToDo)
        } else if let (YesCovers::Everything, Err(why), false) =
            (self.yes_covers, console.can_ask(), both)
        {
            let flag = plan.gate.flag(RefusalKind::NothingDesired);
            let words =
                format!("nothing was done: {why}; `destroy` wants --auto-approve and {flag}");
            return Err(Stopped::refused("not_approved", words));
        } else if self.applying.auto_approve {
            self.consent(Approval::Automatic)
        } else if !typed.lets_through(&plan) {
            return Err(held_back(&typed.evaluate(plan.gate)));
        } else if let Err(why) = console.can_ask() {
            let words = format!("nothing was done: {why}; say --auto-approve");
            return Err(Stopped::refused("not_approved", words));
        } else if console.ask("Carry out this plan?", stop).await? {
            typed
        } else {
            return Err(Stopped::refused("not_approved", "nothing was done: not approved"));
        };
        Ok(ApprovedPlan::new(plan, consent))
    }

    /// Tells what came of the run; of a plan without steps, the plan says it all.
    fn tell(&self, outcome: &Outcome, idle: bool, console: &Console) -> Result<(), Stopped> {
        match self.planning.format {
            Format::Json => console.document(|out| render::summary_json(out, outcome)),
            Format::Text if idle => Ok(()),
            Format::Text => console.print(|out| render::outcome_text(out, outcome)),
        }
    }
}

/// That the gate holds every step back: there is nothing to ask.
fn held_back(gate: &Gate) -> Stopped {
    let reason = |it: &Refusal| format!("{}; `{}` consents", it.message, gate.flag(it.kind));
    let reasons: Vec<String> = gate.refusals.iter().map(reason).collect();
    let reasons = reasons.join("; ");
    Stopped::refused("gate", format!("nothing was done: the gate holds every step back: {reasons}"))
}

fn warn_of_local_state(context: &Context, console: &Console) {
    if context.ci {
        console.note(
            "warning: CI is set and the state is a local file: keep it where the next run finds it",
        );
    }
}
