//! Runs of the engine in a world, with its connections and clock, and the consent of the test.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use roomctl::applier::{Report, Stop, StopSwitch};
use roomctl::engine::{
    self, Access, Applied, ApplyRequest, Approver, Connected, Connector, ImportApprover,
    ImportRequest, Lock, Reviewed, Selection, Session, SessionError, TakeOver,
};
use roomctl::model::{
    Address, Approval, ApprovedPlan, Consent, Desired, Destroys, Event, Outcome, Plan, Refresh,
    Scope,
};
use roomctl::planner::HostChange;
use roomctl::state::{Entry, Holder, StateError, Store};

use super::fuse::Fused;
use super::{Fuse, World};

/// How long a run waits for the lock: a crashed run may still write to the disk.
const LOCK_WAIT: Duration = Duration::from_mins(1);

/// The options of a run.
#[derive(Clone, Debug)]
pub(crate) struct RunOptions {
    pub(crate) refresh: Option<Refresh>,
    pub(crate) allow_destroy: Option<u64>,
    pub(crate) allow_recreate: Option<u64>,
    pub(crate) evict: BTreeSet<Address>,
    pub(crate) concurrency: Option<usize>,
    pub(crate) fuse: Fuse,
    pub(crate) command: RunCommand,
}

/// The command that is run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RunCommand {
    Apply,
    Reconcile,
}

/// A run that completed.
#[derive(Debug)]
pub(crate) struct RunResult {
    pub(crate) plan: Plan,
    pub(crate) outcome: Outcome,
    pub(crate) events: Vec<Event>,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) enum Ended {
    Completed(Box<RunResult>),
    Crashed,
}

/// Records the events.
#[derive(Default)]
struct Events(Mutex<Vec<Event>>);

impl Report for Events {
    fn event(&self, event: &Event) {
        self.0.lock().expect("no panic").push(event.clone());
    }
}

/// Approves with the consent of a test, and keeps the plan.
struct TestApprover<'a> {
    options: &'a RunOptions,
    plan: Mutex<Option<Plan>>,
}

impl Approver<SessionError> for TestApprover<'_> {
    async fn approve(&self, plan: Plan) -> Result<ApprovedPlan, SessionError> {
        self.plan.lock().expect("no panic").replace(plan.clone());
        let idle = plan.steps.is_empty();
        let approval = if idle { Approval::NothingToDo } else { Approval::Automatic };
        let RunOptions { allow_destroy, allow_recreate, .. } = *self.options;
        let destroys = Destroys::Wanted;
        Ok(ApprovedPlan::new(plan, Consent { approval, allow_destroy, allow_recreate, destroys }))
    }
}

/// Connects the providers of a world.
pub(crate) struct TestConnector<'a> {
    world: &'a World,
    desired: &'a Desired,
    fuse: &'a Fuse,
}

impl Connector for TestConnector<'_> {
    type Error = SessionError;

    async fn connect(&self, _: Access) -> Result<Connected, SessionError> {
        let connections = self.world.connect(self.desired, self.fuse);
        Ok(Connected { connections, missing: BTreeMap::new() })
    }

    async fn close(&self) -> Result<(), SessionError> {
        Ok(())
    }
}

impl RunOptions {
    /// Consents to all destroys and recreates. Everything else follows the policy.
    pub(crate) fn with_consent() -> Self {
        Self { allow_destroy: Some(u64::MAX), allow_recreate: Some(u64::MAX), ..Self::plain() }
    }

    /// Uses no flag except `--auto-approve`.
    pub(crate) fn plain() -> Self {
        Self {
            refresh: None,
            allow_destroy: None,
            allow_recreate: None,
            evict: BTreeSet::new(),
            concurrency: None,
            fuse: Fuse::never(),
            command: RunCommand::Apply,
        }
    }

    pub(crate) fn refresh(self, refresh: Refresh) -> Self {
        Self { refresh: Some(refresh), ..self }
    }
}

impl Ended {
    /// Returns the completed run. Panics if it crashed.
    pub(crate) fn ran(self) -> RunResult {
        match self {
            Self::Completed(ran) => *ran,
            Self::Crashed => panic!("the run crashed"),
        }
    }
}

impl World {
    /// Applies what is declared. A blown fuse is a crash.
    pub(crate) async fn apply(
        &self,
        desired: &Desired,
        options: &RunOptions,
    ) -> Result<Ended, StateError> {
        tokio::select! {
            biased;
            () = options.fuse.blown() => Ok(Ended::Crashed),
            ran = self.run(desired, options) => ran.map(|ran| Ended::Completed(Box::new(ran))),
        }
    }

    async fn run(&self, desired: &Desired, options: &RunOptions) -> Result<RunResult, StateError> {
        let (ran, closed) = self.run_to_end(desired, options).await?;
        closed.map(|()| ran)
    }

    /// Applies what is declared. Returns separately whether the end of the run was saved.
    pub(crate) async fn run_to_end(
        &self,
        desired: &Desired,
        options: &RunOptions,
    ) -> Result<(RunResult, Result<(), StateError>), StateError> {
        let (_switch, stop) = StopSwitch::new();
        let store = Fused { store: self.store(), fuse: options.fuse.clone() };
        let connector = self.connector(desired, &options.fuse);
        let events = Arc::new(Events::default());
        let session =
            Session { events: events.clone(), ..self.session(desired, &store, &connector, &stop) };
        let request = ApplyRequest {
            refresh: options.refresh.unwrap_or(desired.policy.refresh),
            scope: &Scope::default(),
            reviewed: Reviewed::default(),
            evict: &options.evict,
            concurrency: options.concurrency,
            lock: self.lock(),
            warnings: &[],
        };
        let approver = TestApprover { options, plan: Mutex::default() };
        let applied = match options.command {
            RunCommand::Apply => engine::apply(&session, request, &approver).await,
            RunCommand::Reconcile => engine::reconcile(&session, request, &approver).await,
        };
        let Applied { plan: _, recorded: _, outcome, closed } = applied.map_err(state_error)?;
        let plan = approver.plan.into_inner().expect("no panic").expect("a plan");
        let events = std::mem::take(&mut *events.0.lock().expect("no panic"));
        Ok((RunResult { plan, outcome, events }, closed.map_err(state_error)))
    }

    /// Records the declared rooms that exist and are not recorded, as `import --all-declared` does.
    pub(crate) async fn import(&self, desired: &Desired) -> Result<(), StateError> {
        let (_switch, stop) = StopSwitch::new();
        let (fuse, store) = (Fuse::never(), self.store());
        let connector = self.connector(desired, &fuse);
        let session = self.session(desired, &*store, &connector, &stop);
        let (selection, scope) = (Selection::AllDeclared { lineage: None }, Scope::default());
        let request = ImportRequest { selection, scope, lock: self.lock() };
        let imported = engine::import(&session, request, &AcceptAll).await.map_err(state_error)?;
        imported.closed.map_err(state_error)
    }

    /// Returns a connector whose requests pass a fuse.
    pub(crate) fn connector<'a>(
        &'a self,
        desired: &'a Desired,
        fuse: &'a Fuse,
    ) -> TestConnector<'a> {
        TestConnector { world: self, desired, fuse }
    }

    /// Creates a session of the engine in this world.
    pub(crate) fn session<'a>(
        &'a self,
        desired: &'a Desired,
        store: &'a dyn Store,
        connector: &'a TestConnector<'a>,
        stop: &'a Stop,
    ) -> Session<'a, TestConnector<'a>> {
        let (clock, host_change) = (&*self.clock, HostChange::Refused);
        let events = Arc::new(Events::default());
        Session { desired, store, connector, clock, stop, events, host_change }
    }

    pub(crate) fn lock(&self) -> Lock {
        let name = || "test".to_owned();
        let (host, user, command) = (name(), name(), name());
        let holder = Holder { pid: 1, host, user, command, time: self.clock.now() };
        Lock { holder, timeout: LOCK_WAIT }
    }
}

/// Returns the error of the store. Panics on any other error, which these tests do not expect.
pub(crate) fn state_error(error: SessionError) -> StateError {
    match error {
        SessionError::State(error) => error,
        other @ (SessionError::Identity(_)
        | SessionError::Scope(_)
        | SessionError::SavedPlan(_)
        | SessionError::Interrupted { .. }
        | SessionError::GivenUp
        | SessionError::NoCredentials { .. }
        | SessionError::NotDeclared(_)
        | SessionError::SeveralLineages(_)
        | SessionError::LineageNotFound(_)
        | SessionError::AlreadyRecorded(_)) => panic!("{other}"),
    }
}

/// Consents to every import.
struct AcceptAll;

impl ImportApprover<SessionError> for AcceptAll {
    fn accept(&self, _: &[Entry]) -> Result<(), SessionError> {
        Ok(())
    }

    async fn take_over(&self, _: &TakeOver) -> Result<(), SessionError> {
        Ok(())
    }
}
