//! `apply` and `destroy`: show the plan, ask, show the outcome.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::args::{ApplyArgs, ApplyingArgs, DestroyArgs, Global, PlanFormat, PlanningArgs};
use super::connect::{self, Providers};
use super::console::Console;
use super::context::Context;
use super::exit::{Exit, Stopped};
use super::planning::{self, Pages};
use super::progress::ProgressReport;
use super::{github, saved, session, signals};
use crate::applier::Stop;
use crate::engine::{self, Applied, ApplyRequest, Approver, Reviewed, Session};
use crate::model::{
    Address, Approval, ApprovedPlan, Consent, Desired, Destroys, Digest, Finding, Gate, Outcome,
    Partial, Plan, ProviderIdentity, Refusal, RefusalKind, SavedPlan, Scope, StateLocation,
};
use crate::planner;
use crate::provider::http::SystemClock;
use crate::render;

/// The options of `apply` and `destroy`.
struct Job<'a> {
    name: &'static str,
    desired: Arc<Desired>,
    /// The rooms.
    scope: Scope,
    /// The saved plan.
    saved: Option<SavedPlan>,
    max_plan_age: Option<Duration>,
    /// The digest that the plan must have.
    expect: Option<Digest>,
    warnings: Vec<Finding>,
    planning: &'a PlanningArgs,
    applying: &'a ApplyingArgs,
    destroys: Destroys,
    allow_recreate: Option<u64>,
    timeout: Option<Duration>,
    /// Whether a "yes" on the terminal consents to every destroy that was shown.
    yes_covers: YesCovers,
}

/// Shows the plan on the console and asks there.
struct Asking<'a> {
    job: &'a Job<'a>,
    state: &'a StateLocation,
    stop: &'a Stop,
    console: &'a Console,
}

/// What a confirmation consents to.
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
    let saved = args.plan.as_deref().map(saved::load).transpose()?;
    let scope = match saved.as_ref().map(|saved| saved.scope.as_ref()) {
        Some(Some(Partial { target, exclude, rooms: _, of: _ })) => {
            Scope::parse(target, exclude).map_err(session::scope_error)?
        }
        Some(None) | None => session::scope(&args.planning.scope)?,
    };
    let destroys = if args.no_destroy { Destroys::LeftOut } else { Destroys::Wanted };
    let job = Job {
        name: "apply",
        desired: Arc::new(files.desired),
        scope,
        saved,
        max_plan_age: args.max_plan_age,
        expect: args.expect,
        warnings: files.warnings,
        planning: &args.planning,
        applying: &args.applying,
        destroys,
        allow_recreate: args.allow_recreate,
        timeout: args.run.timeout,
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
    let scope = session::scope(&args.planning.scope)?;
    // A declared room that is not recorded is no error: it is destroyed already.
    let scope = scope.matched(files.desired.rooms.iter().map(|room| &room.address));
    let job = Job {
        name: "destroy",
        desired: Arc::new(planner::nothing_desired(files.desired)),
        scope,
        saved: None,
        max_plan_age: None,
        expect: None,
        warnings: Vec::new(),
        planning: &args.planning,
        applying: &args.applying,
        destroys: Destroys::Wanted,
        allow_recreate: None,
        timeout: None,
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
        planning::check(self.planning)?;
        let stop = signals::listen_within(self.timeout, console)?;
        let location = session::state_path(global, &self.desired, console)?;
        warn_of_local_state(&location, context, console);
        connect::require_secrets(&self.desired)?;
        let providers = Providers::new(&self.desired, &location, global);
        let session = Session {
            desired: &self.desired,
            store: &*session::sharing_store(&location, &self.desired)?,
            connector: &providers,
            clock: &SystemClock,
            stop: &stop,
            events: ProgressReport::start(console, self.planning.format.progress()),
            host_change: session::host_change(self.planning.allow_endpoint_change),
        };
        let evict: BTreeSet<Address> = self.applying.evict.iter().cloned().collect();
        let request = ApplyRequest {
            refresh: planning::refresh(self.planning, &self.desired),
            scope: &self.scope,
            reviewed: Reviewed {
                saved: self.saved.as_ref(),
                max_age: self.max_plan_age,
                digest: self.expect,
            },
            evict: &evict,
            concurrency: self.applying.concurrency.map(usize::from),
            lock: session::lock(self.name, self.applying.lock_timeout, context),
            warnings: &self.warnings,
        };
        let asking = Asking { job: &self, state: &location, stop: &stop, console };
        let applied = engine::apply(&session, request, &asking).await;
        console.measure(|run| run.calls = providers.calls());
        self.end(applied?, &location, console)
    }

    /// Shows the outcome. A failure from here on is a failure after changes.
    fn end(
        &self,
        applied: Applied<Stopped>,
        state: &StateLocation,
        console: &Console,
    ) -> Result<Exit, Stopped> {
        let Applied { plan, recorded, outcome, closed } = applied;
        console.measure(|run| {
            run.recorded = Some(recorded);
            run.count_results(&outcome);
        });
        let exit = Exit::of(&outcome, self.planning.detailed_exitcode);
        let before = planning::unread(&plan).or(planning::blocked(&plan));
        let changed = outcome.has_changed_something();
        let ended = self.show(outcome, plan.steps() == 0, state, console).and(closed);
        ended
            .map(|()| exit.or(before))
            .map_err(|stopped| if changed { stopped.after_changes() } else { stopped })
    }

    fn consent(&self, approval: Approval) -> Consent {
        let (allow_destroy, allow_recreate) = (self.applying.allow_destroy, self.allow_recreate);
        Consent { approval, allow_destroy, allow_recreate, destroys: self.destroys }
    }

    /// Returns what a confirmation on the terminal would consent to.
    fn typed(&self, gate: &Gate) -> Consent {
        let mut consent = self.consent(Approval::Typed);
        if self.yes_covers == YesCovers::Everything {
            consent.allow_destroy.get_or_insert(gate.counted);
        }
        consent
    }

    /// Takes the plan through the gate with the user's consent, which is asked for if there is
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
                format!("nothing was done: {why}; `destroy` needs --auto-approve and {flag}");
            return Err(Stopped::refused("not_approved", words));
        } else if self.applying.auto_approve {
            self.consent(Approval::Automatic)
        } else if !typed.lets_through(&plan) {
            return Err(held_back(&typed.evaluate(plan.gate)));
        } else if let Err(why) = console.can_ask() {
            let words = format!("nothing was done: {why}; pass --auto-approve");
            return Err(Stopped::refused("not_approved", words));
        } else if console.ask("Apply this plan?", stop).await? {
            typed
        } else {
            return Err(Stopped::refused("not_approved", "nothing was done: not approved"));
        };
        Ok(ApprovedPlan::new(plan, consent))
    }

    /// Shows the outcome, unless the plan has no steps. As JSON it is printed later, with the exit code.
    fn show(
        &self,
        outcome: Outcome,
        idle: bool,
        state: &StateLocation,
        console: &Console,
    ) -> Result<(), Stopped> {
        let layout = planning::layout(self.planning);
        let state = state.to_string();
        let page = planning::page(self.planning, Pages::Two, &state);
        let shown = match self.planning.format {
            PlanFormat::Text if !idle => {
                console.print(|out| render::outcome_text(out, &outcome, layout))
            }
            PlanFormat::Markdown if !idle => {
                console.print(|out| render::outcome_markdown(out, &outcome, &page))
            }
            PlanFormat::Github => github::outcome(console, &outcome, &page),
            PlanFormat::Text | PlanFormat::Markdown | PlanFormat::Json => Ok(()),
        };
        console.end_with(outcome);
        shown
    }
}

impl Approver<Stopped> for Asking<'_> {
    async fn approve(&self, mut plan: Plan) -> Result<ApprovedPlan, Stopped> {
        let Self { job, state, stop, console } = self;
        plan.gate = job.consent(Approval::NothingToDo).evaluate(plan.gate);
        console.measure(|run| run.count_steps(plan.summary, &plan.steps));
        match job.planning.format {
            PlanFormat::Json => {
                console.event(|out, time| render::plan_event_json(out, &plan, time))?;
            }
            PlanFormat::Text | PlanFormat::Markdown | PlanFormat::Github => {
                planning::show(&plan, job.planning, Pages::Two, state, console)?;
            }
        }
        keep_secrets_out(&job.desired, &plan, console)?;
        job.approve(plan, stop, console).await
    }
}

/// Returns the error if the gate holds every step back, and there is nothing to ask.
fn held_back(gate: &Gate) -> Stopped {
    let reason = |it: &Refusal| format!("{}; `{}` consents", it.message, gate.flag(it.kind));
    let reasons: Vec<String> = gate.refusals.iter().map(reason).collect();
    let reasons = reasons.join("; ");
    Stopped::refused("gate", format!("nothing was done: the gate holds every step back: {reasons}"))
}

/// Refuses a plan that would write a secret into the state.
pub(super) fn keep_secrets_out(
    desired: &Desired,
    plan: &Plan,
    console: &Console,
) -> Result<(), Stopped> {
    let identities = desired.providers.values().map(ProviderIdentity::of);
    console.refuse_secrets("the state", identities)?;
    let rooms = plan.steps.iter();
    let rooms = rooms.map(|it| (&it.address, &it.after, &it.next, &it.changes, &it.source));
    console.refuse_secrets("the state", rooms)
}

/// Warns of a state in a local file of a CI runner, whose files are lost when it ends.
pub(super) fn warn_of_local_state(location: &StateLocation, context: &Context, console: &Console) {
    match location {
        StateLocation::File(path) if context.ci => console.note(&render::plain(format_args!(
            "warning: CI is set and the state is a local file, {}, which the next runner does not have: \
             keep it in an object store (`state: s3://BUCKET/KEY`, `gs://BUCKET/KEY` or \
             `az://CONTAINER/KEY`) or in PostgreSQL (`postgres://HOST/DATABASE`; `roomctl state \
             migrate` moves it), or save it after every run, with its journal",
            path.display()
        ))),
        StateLocation::File(_) | StateLocation::Object(_) | StateLocation::Postgres(_) => {}
    }
}
