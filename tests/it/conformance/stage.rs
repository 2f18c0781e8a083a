//! The world in which one subject shows a behaviour.

use std::sync::Arc;

use roomctl::emulator::EmulatorConfig;
use roomctl::model::{Address, Call, Desired, Plan, Refresh, RoomId};
use roomctl::provider::Client;

use super::subject::Subject;
use crate::support::fleet::{maker, shows};
use crate::support::{APP, AppStats, Fuse, How, Ran, Stranger, World, at, service};

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
    /// A service that knows who calls it, and is not asked to be quick.
    pub(super) async fn new(subject: &'static Subject) -> Self {
        let stage = Self::untouched(subject, service());
        stage.client().register_user(None).await.expect("registered");
        stage.world.script.sent();
        stage
    }

    /// A service that was never called.
    pub(super) fn untouched(subject: &'static Subject, settings: EmulatorConfig) -> Self {
        Self { world: World::new(settings), subject }
    }

    /// The rooms `ids`, all with this content, under a policy.
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

    /// The room as it is declared.
    pub(super) fn declared(&self) -> Desired {
        self.rooms("", &[ID], self.subject.content)
    }

    /// The room as it is declared later.
    pub(super) fn changed(&self) -> Desired {
        self.rooms("", &[ID], self.subject.changed)
    }

    /// No room, whoever is inside.
    pub(super) fn nothing(&self) -> Desired {
        self.rooms("on_occupied: destroy", &[], "")
    }

    /// Applies the room as it is declared, and forgets which calls that took.
    pub(super) async fn made(&self) -> Desired {
        let desired = self.declared();
        self.done(&desired, 1).await;
        self.world.script.sent();
        desired
    }

    /// Applies, with consent and without looking at what is not due.
    pub(super) async fn apply(&self, desired: &Desired) -> Ran {
        self.world.apply(desired, &How::with_consent()).await.expect("a state").ran()
    }

    /// Applies, and all goes well: so many steps are done.
    pub(super) async fn done(&self, desired: &Desired, steps: usize) -> Ran {
        let ran = self.apply(desired).await;
        let outcome = &ran.outcome;
        assert_eq!((outcome.done.len(), outcome.failed.as_slice()), (steps, &[][..]));
        assert!(outcome.waiting.is_empty() && outcome.not_tried.is_empty(), "{outcome:?}");
        ran
    }

    pub(super) async fn plan(&self, desired: &Desired) -> Plan {
        self.world.plan(desired, Refresh::All).await.expect("a plan")
    }

    /// The room is there and recorded as declared, was made once, and nothing is left to do.
    pub(super) async fn stands(&self, desired: &Desired) {
        self.rests(desired).await;
        let stats = self.stats();
        for declared in &desired.rooms {
            let record = self.record(declared.address.room.as_str()).await.expect("recorded");
            assert_eq!((&record.room, record.pending), (&declared.room, None));
            if let Some(maker) = maker(self.subject.kind) {
                let there = &stats.rooms[&declared.address.room];
                assert!(shows(&declared.room, there), "{there:?}");
                assert_eq!(stats.served(maker), 1, "made once");
            }
        }
    }

    /// Nothing is left to do, and nothing is unread.
    pub(super) async fn rests(&self, desired: &Desired) {
        let plan = self.plan(desired).await;
        assert!(plan.steps.is_empty() && plan.unread.is_empty(), "{:?}", (plan.steps, plan.unread));
        let recorded = self.world.recorded().await.expect("a state");
        assert!(recorded.rooms.values().all(|room| room.pending.is_none()));
    }

    /// The room is neither there nor recorded.
    pub(super) async fn is_gone(&self) {
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
        connections.values().next().expect("one").client.clone()
    }

    pub(super) async fn stranger(&self) -> Stranger {
        self.world.stranger(&self.nothing()).await
    }

    /// Lets people into the room: one that only users make is there then.
    pub(super) fn enter(&self, users: u64) {
        let room = RoomId::new(ID);
        self.world.emulator.enter(self.subject.kind, APP, &room, users).expect("entered");
    }

    /// Lets everybody out.
    pub(super) fn leave(&self) {
        let room = RoomId::new(ID);
        self.world.emulator.leave(self.subject.kind, APP, &room, None).expect("left");
    }

    /// The calls that were sent since this was last asked; between two of one kind that change the
    /// room there was a look.
    pub(super) fn sent(&self) -> Vec<Call> {
        let sent = self.world.script.sent();
        let look = self.subject.kind.people_call();
        for call in self.calls() {
            let places: Vec<usize> = (0..sent.len()).filter(|place| sent[*place] == call).collect();
            for pair in places.windows(2) {
                let between = &sent[pair[0]..pair[1]];
                assert!(between.contains(&look), "{call} repeated without a look: {sent:?}");
            }
        }
        sent
    }

    /// The calls that change a room.
    fn calls(&self) -> impl Iterator<Item = Call> {
        let made = self.subject.makes.iter().chain(self.subject.changes).copied();
        made.chain([self.subject.kind.destroy_call()])
    }

    pub(super) fn address() -> Address {
        at(PROVIDER, ID)
    }
}
