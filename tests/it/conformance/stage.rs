//! The world in which the behaviours of one subject are tested.

use std::sync::Arc;

use roomctl::emulator::EmulatorConfig;
use roomctl::model::{Address, Call, Desired, Plan, Refresh, RoomId};
use roomctl::provider::Client;

use super::subject::Subject;
use crate::support::fleet::{maker, shows};
use crate::support::{APP, AppStats, Fuse, OtherClient, RunOptions, RunResult, World, at, service};

/// The id of the room.
pub(super) const ID: &str = "hall";

/// The provider of all subjects.
const PROVIDER: &str = "it";

/// A world with one provider.
pub(super) struct Stage {
    pub(super) world: World,
    pub(super) subject: &'static Subject,
}

impl Stage {
    /// Returns a world in which the operator is registered and no rate limit is reached.
    pub(super) async fn new(subject: &'static Subject) -> Self {
        let stage = Self::untouched(subject, service());
        stage.client().register_user(None).await.expect("registered");
        stage.world.script.sent();
        stage
    }

    /// Returns a world whose service was never called.
    pub(super) fn untouched(subject: &'static Subject, settings: EmulatorConfig) -> Self {
        Self { world: World::new(settings), subject }
    }

    /// Declares the rooms `ids`, all with this content, under a policy.
    pub(super) fn rooms(&self, policy: &str, ids: &[&str], content: &str) -> Desired {
        let (kind, provider) = (self.subject.kind, self.subject.provider);
        let rooms = ids.iter().map(|id| format!("  - {{id: {id}, {content}}}\n"));
        let rooms: String = if ids.is_empty() { " []\n".to_owned() } else { rooms.collect() };
        let newline = if ids.is_empty() { "" } else { "\n" };
        self.world.declare(&format!(
            "version: 1\nproviders:\n  {PROVIDER}: {{kind: {kind}, app_id: 1, endpoint: emulator, \
             {provider}}}\nstate: rooms.state.json\npolicy: {{{policy}}}\nrooms:{newline}{rooms}"
        ))
    }

    /// Declares the room.
    pub(super) fn declared(&self) -> Desired {
        self.rooms("", &[ID], self.subject.content)
    }

    /// Declares the room with its changed content.
    pub(super) fn changed(&self) -> Desired {
        self.rooms("", &[ID], self.subject.changed)
    }

    /// Declares no room, under `on_occupied: destroy`.
    pub(super) fn nothing(&self) -> Desired {
        self.rooms("on_occupied: destroy", &[], "")
    }

    /// Creates the room, and clears the log of sent calls.
    pub(super) async fn created(&self) -> Desired {
        let desired = self.declared();
        self.apply_all(&desired, 1).await;
        self.world.script.sent();
        desired
    }

    /// Applies with full consent and the policy's refresh.
    pub(super) async fn apply(&self, desired: &Desired) -> RunResult {
        self.world.apply(desired, &RunOptions::with_consent()).await.expect("a state").ran()
    }

    /// Applies, and asserts that this number of steps is done and no other step is left.
    pub(super) async fn apply_all(&self, desired: &Desired, steps: usize) -> RunResult {
        let ran = self.apply(desired).await;
        let outcome = &ran.outcome;
        assert_eq!((outcome.done.len(), outcome.failed.as_slice()), (steps, &[][..]));
        assert!(outcome.waiting.is_empty() && outcome.not_tried.is_empty(), "{outcome:?}");
        ran
    }

    pub(super) async fn plan(&self, desired: &Desired) -> Plan {
        self.world.plan(desired, Refresh::All).await.expect("a plan")
    }

    /// Asserts that every declared room exists and is recorded as declared, was created once, and that the
    /// next plan has no steps.
    pub(super) async fn assert_applied(&self, desired: &Desired) {
        self.assert_converged(desired).await;
        let stats = self.stats();
        for declared in &desired.rooms {
            let record = self.record(declared.address.room.as_str()).await.expect("recorded");
            assert_eq!((&record.room, record.pending), (&declared.room, None));
            if let Some(maker) = maker(self.subject.kind) {
                let there = &stats.rooms[&declared.address.room];
                assert!(shows(&declared.room, there), "{there:?}");
                assert_eq!(stats.served(maker), 1, "not created exactly once");
            }
        }
    }

    /// Asserts that the next plan has no steps and no unread room, and that no call is pending.
    pub(super) async fn assert_converged(&self, desired: &Desired) {
        let plan = self.plan(desired).await;
        assert!(plan.steps.is_empty() && plan.unread.is_empty(), "{:?}", (plan.steps, plan.unread));
        let recorded = self.world.recorded().await.expect("a state");
        assert!(recorded.rooms.values().all(|room| room.pending.is_none()));
    }

    /// Asserts that the room neither exists nor is recorded.
    pub(super) async fn assert_gone(&self) {
        assert!(self.stats().rooms.is_empty());
        assert_eq!(self.record(ID).await, None);
    }

    pub(super) async fn record(&self, id: &str) -> Option<roomctl::model::RecordedRoom> {
        let recorded = self.world.recorded().await.expect("a state");
        recorded.rooms.get(&at(PROVIDER, id)).cloned()
    }

    pub(super) fn stats(&self) -> AppStats {
        self.world.stats_of(self.subject.kind)
    }

    pub(super) fn client(&self) -> Arc<Client> {
        let desired = self.nothing();
        let connections = self.world.connect(&desired, &Fuse::never());
        connections.values().next().expect("a connection").client.clone()
    }

    pub(super) async fn other_client(&self) -> OtherClient {
        self.world.other_client(&self.nothing()).await
    }

    /// Lets people enter the room; this creates a room that only users create.
    pub(super) fn enter(&self, users: u64) {
        let room = RoomId::new(ID);
        self.world.emulator.enter(self.subject.kind, APP, &room, users).expect("entered");
    }

    /// Lets all people leave the room.
    pub(super) fn leave(&self) {
        let room = RoomId::new(ID);
        self.world.emulator.leave(self.subject.kind, APP, &room, None).expect("left");
    }

    /// Returns the calls that were sent since the last call of this method. Asserts that a call that changes
    /// the room is repeated only after a lookup.
    pub(super) fn sent(&self) -> Vec<Call> {
        let sent = self.world.script.sent();
        let lookup = self.subject.kind.people_call();
        for call in self.changing_calls() {
            let places: Vec<usize> = (0..sent.len()).filter(|place| sent[*place] == call).collect();
            for pair in places.windows(2) {
                let between = &sent[pair[0]..pair[1]];
                assert!(
                    between.contains(&lookup),
                    "{call} was repeated without a lookup: {sent:?}"
                );
            }
        }
        sent
    }

    /// Returns the calls that change a room.
    fn changing_calls(&self) -> impl Iterator<Item = Call> {
        let made = self.subject.makes.iter().chain(self.subject.changes).copied();
        made.chain([self.subject.kind.destroy_call()])
    }

    pub(super) fn address() -> Address {
        at(PROVIDER, ID)
    }
}
