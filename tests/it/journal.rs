//! The entries of a run: one intent before each call and one result after it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use roomctl::applier::{self, Report, Run, Settings, StopSwitch};
use roomctl::model::{
    Approval, ApprovedPlan, Call, Consent, Destroys, Effect, Event, Lineage, Observed, Outcome,
    Recorded, Refresh, Refreshed, Scope,
};
use roomctl::planner::{self, PlanInputs};
use roomctl::state::{
    Access, Durable, Entry, Folded, LastCalls, Lost, Snapshot, StateError, Store, WriteStore,
};

use crate::stores::memory::MemoryStore;
use crate::stores::{calls, holder};
use crate::support::{Fuse, InjectedFault, Script, World, service, with_paused_clock};

const CHAT: &str = "version: 1
providers: {chat: {kind: zim, app_id: 1, operator: admin, endpoint: emulator}}
defaults: {destroy_delay_time: 1h}
";

const LIVE: &str = "version: 1
providers: {live: {kind: tencent-live, app_id: 1, operator: admin, endpoint: emulator}}
";

/// A store that records its entries, and the calls that were sent before each of them.
struct RecordingStore {
    store: Arc<dyn WriteStore>,
    script: Script,
    log: Mutex<Vec<String>>,
    /// The lease to end when a result is appended.
    ends_lease: Option<MemoryStore>,
}

struct NoReport;

impl Report for NoReport {
    fn event(&self, _: &Event) {}
}

impl RecordingStore {
    fn log_calls(&self) {
        let changes = |call: &Call| call.effect() == Effect::ChangesRoom;
        let sent = self.script.sent().into_iter().filter(changes).map(|call| call.to_string());
        self.log.lock().expect("the log").extend(sent);
    }
}

impl WriteStore for RecordingStore {
    fn snapshot(&self) -> &Snapshot {
        self.store.snapshot()
    }

    fn lineage(&self) -> Result<Lineage, StateError> {
        self.store.lineage()
    }

    fn continue_lineage(&self, lineage: Lineage) -> Result<(), StateError> {
        self.store.continue_lineage(lineage)
    }

    fn reserve(&self, entries: usize) -> Access<'_, ()> {
        self.store.reserve(entries)
    }

    fn send_window(&self) -> Option<Duration> {
        self.store.send_window()
    }

    fn append(&self, entries: Vec<Entry>) -> Access<'_, Durable> {
        self.log_calls();
        let name = |entry: &Entry| match entry {
            Entry::Intent(..) => "intent",
            Entry::Result(..) => "result",
            Entry::Removed(_) => "removed",
            Entry::Provider(..) | Entry::ProviderRemoved(_) => "provider",
            Entry::PlanCarriedOut(_) => "plan",
        };
        self.log.lock().expect("the log").extend(entries.iter().map(name).map(str::to_owned));
        if let (Some(lease), [Entry::Result(..)]) = (&self.ends_lease, entries.as_slice()) {
            lease.end_lease();
        }
        self.store.append(entries)
    }

    fn check(&self) -> Access<'_, ()> {
        self.store.check()
    }

    fn replace(&self, recorded: Recorded) -> Access<'_, ()> {
        self.store.replace(recorded)
    }

    fn lost(&self) -> Lost<'_> {
        self.store.lost()
    }

    fn fold(&self, last_calls: LastCalls) -> Access<'_, Folded> {
        self.store.fold(last_calls)
    }
}

/// Applies a file. Returns the entries and the changing calls, in order.
async fn applied(world: &World, state: &MemoryStore, text: &str) -> String {
    let (outcome, recording) = run(world, state, text, None).await;
    recording.log_calls();
    assert!(outcome.failed.is_empty() && outcome.not_tried.is_empty(), "{outcome:?}");
    recording.fold(calls(1)).await.expect("a fold");
    recording.log.lock().expect("the log").join(" ")
}

/// Applies a file. The lease of `ends_lease` ends when the first result is appended.
async fn run(
    world: &World,
    state: &MemoryStore,
    text: &str,
    ends_lease: Option<MemoryStore>,
) -> (Outcome, Arc<RecordingStore>) {
    let desired = world.declare(text);
    let store = state.lock(holder(1), Duration::ZERO).await.expect("the lock");
    let recorded = store.snapshot().recorded.clone();
    let plan = planner::plan(PlanInputs {
        desired: &desired,
        recorded: &recorded,
        observed: &Observed::default(),
        scope: &Scope::default(),
        evict: &BTreeSet::new(),
        refreshed: Refreshed::As(Refresh::Never),
        in_progress: None,
    });
    let consent = Consent {
        approval: Approval::Automatic,
        allow_destroy: Some(1),
        allow_recreate: None,
        destroys: Destroys::Wanted,
    };
    let script = world.script.clone();
    let recording = Arc::new(RecordingStore { store, script, log: Mutex::default(), ends_lease });
    let (_switch, stop) = StopSwitch::new();
    let run = Run {
        recorded,
        observed: Observed::default(),
        connections: world.connect(&desired, &Fuse::never()),
        settings: Settings { concurrency: None },
        store: recording.clone(),
        report: Arc::new(NoReport),
        stop,
    };
    (applier::run(ApprovedPlan::new(plan, consent), run).await, recording)
}

/// Applies files in order to one world, and compares the entries of each run.
fn assert_entries(editions: &[(&str, &str)], head: &str) {
    with_paused_clock(async {
        let (world, state) = (World::new(service()), MemoryStore::default());
        for (rooms, expected) in editions {
            let text = format!("{head}rooms: [{rooms}]\n");
            assert_eq!(&applied(&world, &state, &text).await, expected, "{rooms}");
        }
    });
}

#[test]
fn steps_of_a_chat_room_write_one_intent_and_one_result_per_call() {
    assert_entries(
        &[
            // The service does not know the operator yet.
            ("{id: plain}", "intent CreateRoom removed intent CreateRoom result"),
            ("{id: plain}", ""),
            ("{id: plain, lifecycle: {prevent_destroy: true}}", "result"),
            ("{id: plain}", "result"),
            (
                "{id: plain}, {id: full, name: Full, attributes: {a: '1', b: '2'}}",
                "intent CreateRoom result",
            ),
            (
                "{id: plain}, {id: full, name: Full, attributes: {a: '3', b: '2'}}",
                "intent ModifyRoomAttribute result",
            ),
            (
                "{id: plain}, {id: full, name: Full, attributes: {a: '3', c: '4'}}",
                "intent ModifyRoomAttribute result",
            ),
            (
                "{id: plain}, {id: full, name: Replaced, attributes: {a: '3', c: '4'}}",
                "intent DestroyRoom result intent CreateRoom result",
            ),
            ("{id: plain}", "intent DestroyRoom removed"),
        ],
        CHAT,
    );
}

#[test]
fn steps_of_a_live_room_write_one_intent_and_one_result_per_call() {
    let room = |rest: &str| {
        format!("{{id: show, name: Show, owner: alice, seat_template: Karaoke, {rest}}}")
    };
    let (full, changed) = (
        room("notice: hi, attributes: {topic: welcome}"),
        room("notice: bye, attributes: {topic: hello}"),
    );
    assert_entries(
        &[
            (
                &full,
                "intent create_room result intent update_room_info result \
                 intent set_room_metadata result",
            ),
            (&changed, "intent update_room_info result intent set_room_metadata result"),
            ("", "intent destroy_room removed"),
        ],
        LIVE,
    );
}

#[test]
fn a_repeated_call_writes_an_intent_and_a_result_each_time() {
    with_paused_clock(async {
        let (world, state) = (World::new(service()), MemoryStore::default());
        let text = |rooms| format!("{CHAT}rooms: [{rooms}]\n");
        applied(&world, &state, &text("{id: first}")).await;
        world.script.inject(Call::CreateRoom, 1, InjectedFault::Answered(660_300_005));
        world.script.inject(Call::CreateRoom, 2, InjectedFault::LostAfter);
        let written = applied(&world, &state, &text("{id: first}, {id: second}")).await;
        assert_eq!(written, "intent CreateRoom removed intent CreateRoom result");
    });
}

#[test]
fn a_created_room_that_cannot_be_recorded_is_looked_up_by_the_next_run() {
    with_paused_clock(async {
        let (world, state) = (World::new(service()), MemoryStore::default());
        let text = format!("{CHAT}rooms: [{{id: lobby}}]\n");
        let (outcome, _) = run(&world, &state, &text, Some(state.clone())).await;
        let [failure] = outcome.failed.as_slice() else { panic!("one failure: {outcome:?}") };
        assert_eq!(
            failure.message,
            "it was created, but could not be recorded: the lock of memory was lost: no further call was \
             made. Run again once it is free: it looks up the outcome of the calls in flight"
        );
        assert!(failure.pending, "the next run looks up the room");
    });
}
