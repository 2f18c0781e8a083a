//! A run as `apply` makes it: recover, look, plan, approve, carry out, save.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use roomctl::applier::{self, Connections, Report, Run, Settings, Stop, StopSwitch};
use roomctl::model::{
    Address, Approval, ApprovedPlan, Consent, Desired, Destroys, Event, Outcome, Plan,
    ProviderIdentity, ProviderName, Recorded, Refresh, Refreshed,
};
use roomctl::planner::Scope;
use roomctl::provider::Ended as Before;
use roomctl::state::{Entry, Holder, LastCalls, Locked, Snapshot, StateError, WriteStore};

use super::fuse::Fused;
use super::{Fuse, World, read};

/// How long a run waits for what a crashed one still has under way on the disk.
const LOCK_WAIT: Duration = Duration::from_mins(1);

/// How a run is started.
#[derive(Clone, Debug)]
pub(crate) struct How {
    pub(crate) refresh: Option<Refresh>,
    pub(crate) allow_destroy: Option<u64>,
    pub(crate) allow_recreate: Option<u64>,
    pub(crate) evict: BTreeSet<Address>,
    pub(crate) concurrency: Option<usize>,
    pub(crate) fuse: Fuse,
}

/// A run that came to its end.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) plan: Plan,
    pub(crate) outcome: Outcome,
    pub(crate) events: Vec<Event>,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) enum Ended {
    Ran(Box<Ran>),
    Crashed,
}

/// Keeps what is told.
#[derive(Default)]
struct Told(Mutex<Vec<Event>>);

impl Report for Told {
    fn event(&self, event: &Event) {
        self.0.lock().expect("what was told").push(event.clone());
    }
}

impl How {
    /// With consent to everything, as the policy says for the rest.
    pub(crate) fn with_consent() -> Self {
        Self { allow_destroy: Some(u64::MAX), allow_recreate: Some(u64::MAX), ..Self::plain() }
    }

    /// Without any flag but `--auto-approve`.
    pub(crate) fn plain() -> Self {
        Self {
            refresh: None,
            allow_destroy: None,
            allow_recreate: None,
            evict: BTreeSet::new(),
            concurrency: None,
            fuse: Fuse::never(),
        }
    }

    pub(crate) fn refresh(self, refresh: Refresh) -> Self {
        Self { refresh: Some(refresh), ..self }
    }
}

impl Ended {
    /// The run, which did not crash.
    pub(crate) fn ran(self) -> Ran {
        match self {
            Self::Ran(ran) => *ran,
            Self::Crashed => panic!("the run crashed"),
        }
    }
}

impl World {
    /// Applies what is declared; a fuse that blows is a crash.
    pub(crate) async fn apply(&self, desired: &Desired, how: &How) -> Result<Ended, StateError> {
        tokio::select! {
            biased;
            () = how.fuse.blown() => Ok(Ended::Crashed),
            ran = self.run(desired, how) => ran.map(|ran| Ended::Ran(Box::new(ran))),
        }
    }

    async fn run(&self, desired: &Desired, how: &How) -> Result<Ran, StateError> {
        let locked = Arc::new(self.store().lock(self.holder(), LOCK_WAIT).await?);
        let snapshot = locked.snapshot().clone();
        let connections = self.connect(desired, &how.fuse);
        self.resume(&connections, &snapshot);
        let ran = self.work(desired, how, &snapshot, &connections, &locked).await?;
        how.fuse.pass().await;
        locked.finish(self.last_calls(&connections)).await?;
        Ok(ran)
    }

    async fn work(
        &self,
        desired: &Desired,
        how: &How,
        snapshot: &Snapshot,
        connections: &Connections,
        locked: &Arc<Locked>,
    ) -> Result<Ran, StateError> {
        let store: Arc<dyn WriteStore> =
            Arc::new(Fused { store: locked.clone(), fuse: how.fuse.clone() });
        let (_switch, stop): (StopSwitch, Stop) = StopSwitch::new();
        let settings = settings(desired, how);
        let recovered =
            applier::recover(snapshot.recorded.clone(), connections, store.clone(), &stop).await?;
        let ground = read::Ground {
            desired,
            recorded: &recovered.recorded,
            evict: &how.evict,
            in_progress: None,
            mode: how.refresh.unwrap_or(desired.policy.refresh),
            scope: Scope::Apply,
        };
        let observers = applier::observers(connections);
        let observed = ground.look(recovered.observed, &observers, connections).await;
        let plan = ground.plan(&observed, Refreshed::As(ground.mode));
        let seen = applier::seen(&recovered.recorded, &observed, connections);
        let approved = approve(plan.clone(), how);
        store.check().await?;
        let mut entries = identities(desired, &recovered.recorded, &approved);
        entries.extend(seen.entries);
        if !entries.is_empty() {
            store.append(entries).await?;
        }
        let told = Arc::new(Told::default());
        let run = Run {
            recorded: seen.recorded,
            observed,
            connections: connections.clone(),
            settings,
            store,
            report: told.clone(),
            stop,
        };
        let outcome = applier::run(approved, run).await;
        let events = std::mem::take(&mut *told.0.lock().expect("what was told"));
        Ok(Ran { plan, outcome, events })
    }

    /// Records the declared rooms that exist and are not recorded, as `import --all-declared` does.
    pub(crate) async fn import(&self, desired: &Desired) -> Result<(), StateError> {
        let locked = self.store().lock(self.holder(), LOCK_WAIT).await?;
        let recorded = locked.snapshot().recorded.clone();
        let connections = self.connect(desired, &Fuse::never());
        let wanted =
            desired.rooms.iter().filter(|room| !recorded.rooms.contains_key(&room.address));
        let addresses = wanted.clone().map(|room| room.address.clone()).collect();
        let (_switch, stop) = StopSwitch::new();
        let observed = applier::observe(&applier::observers(&connections), addresses, &stop).await;
        let seen: BTreeMap<_, _> = applier::observed_rooms(&observed).collect();
        let mut entries: Vec<Entry> = desired
            .providers
            .iter()
            .map(|(name, one)| Entry::Provider(name.clone(), ProviderIdentity::of(one)))
            .collect();
        entries.extend(wanted.filter_map(|room| {
            let observed_room = seen.get(&room.address)?;
            let kind = desired.providers[&room.address.provider].kind();
            let record = applier::imported(kind, room, observed_room);
            Some(Entry::Result(room.address.clone(), record))
        }));
        locked.append(entries).await?;
        locked.finish(self.last_calls(&connections)).await.map(drop)
    }

    /// Takes the limits as used up until the last calls of the run before.
    pub(crate) fn resume(&self, connections: &Connections, snapshot: &Snapshot) {
        let before = if snapshot.ended_uncleanly { Before::Uncleanly } else { Before::Cleanly };
        let none = BTreeMap::new();
        for (name, connection) in connections {
            let last = snapshot.last_calls.get(name).unwrap_or(&none);
            connection.client.resume(last, self.clock.now(), before);
        }
    }

    fn last_calls(&self, connections: &Connections) -> LastCalls {
        let now = self.clock.now();
        let last = connections.iter();
        last.map(|(name, one)| (name.clone(), one.client.last_calls(now))).collect()
    }

    fn holder(&self) -> Holder {
        let name = || "test".to_owned();
        Holder { pid: 1, host: name(), user: name(), command: name(), time: self.clock.now() }
    }
}

fn settings(desired: &Desired, how: &How) -> Settings {
    Settings { concurrency: how.concurrency, on_conflict: desired.policy.on_conflict }
}

fn approve(plan: Plan, how: &How) -> ApprovedPlan {
    let approval = if plan.steps.is_empty() { Approval::NothingToDo } else { Approval::Automatic };
    let How { allow_destroy, allow_recreate, .. } = *how;
    let destroys = Destroys::Wanted;
    ApprovedPlan::new(plan, Consent { approval, allow_destroy, allow_recreate, destroys })
}

fn identities(desired: &Desired, recorded: &Recorded, approved: &ApprovedPlan) -> Vec<Entry> {
    let used =
        |name: &ProviderName| approved.steps().iter().any(|step| step.address.provider == *name);
    let new = desired.providers.iter().filter(|(name, provider)| {
        used(name) && recorded.providers.get(*name) != Some(&ProviderIdentity::of(provider))
    });
    new.map(|(name, one)| Entry::Provider(name.clone(), ProviderIdentity::of(one))).collect()
}
