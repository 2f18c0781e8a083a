//! Measures the parts of a plan and an apply within the process: `cargo bench`. `measure.py` measures whole
//! processes.
#![allow(missing_docs, reason = "divan's macro generates undocumented items")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use divan::Bencher;
use roomctl::config::decode::{GROUP, parse_grouped, parse_whole};
use roomctl::config::{self, Loaded};
use roomctl::model::{
    Address, Assumed, Desired, DesiredRoom, Lifecycle, Lineage, Observed, Pending, PendingKind,
    Plan, Recorded, RecordedRoom, Refresh, Refreshed, Scope, Sides, Timestamp,
};
use roomctl::planner::{self, PlanInputs};
use roomctl::render::{self, Layout, View};
use roomctl::state::{Entry, Holder, LastCalls, StoreEnvironment, open, parse_state, state_text};

const SIZES: [usize; 2] = [1_000, 10_000];
const NOW: i64 = 1_795_000_000_000;

fn main() {
    divan::main();
}

#[divan::bench(args = SIZES)]
fn yaml_in_groups(bencher: Bencher, rooms: usize) {
    let text = yaml(rooms);
    bencher.bench(|| parse_grouped(&text, GROUP).expect("groups"));
}

#[divan::bench(args = SIZES)]
fn yaml_whole(bencher: Bencher, rooms: usize) {
    let text = yaml(rooms);
    bencher.bench(|| parse_whole(&text).expect("a file"));
}

#[divan::bench(args = SIZES)]
fn read_state(bencher: Bencher, rooms: usize) {
    let text = state_text(&recorded(&load(rooms))).expect("a text");
    bencher.bench(|| parse_state(&text).expect("a state"));
}

#[divan::bench(args = SIZES)]
fn write_state(bencher: Bencher, rooms: usize) {
    let recorded = recorded(&load(rooms));
    bencher.bench(|| state_text(&recorded).expect("a text"));
}

#[divan::bench(args = SIZES)]
fn plan_all_recorded(bencher: Bencher, rooms: usize) {
    let desired = load(rooms);
    let recorded = recorded(&desired);
    bencher.bench(|| plan(&desired, &recorded));
}

#[divan::bench(args = SIZES)]
fn plan_none_recorded(bencher: Bencher, rooms: usize) {
    let (desired, recorded) = (load(rooms), Recorded::default());
    bencher.bench(|| plan(&desired, &recorded));
}

#[divan::bench(args = SIZES)]
fn render_text(bencher: Bencher, rooms: usize) {
    let plan = plan(&load(rooms), &Recorded::default());
    let view = View { state: "rooms.state.json", layout: Layout::Grouped };
    bencher.bench(|| {
        let mut out = Vec::new();
        render::plan_text(&mut out, &plan, &view).expect("a text");
        out
    });
}

/// The writes of an apply: an intent and a result for each step, ten steps in flight, then the fold.
#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn bookkeeping(bencher: Bencher, steps: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let rooms: Vec<(Address, RecordedRoom)> = recorded(&load(steps)).rooms.into_iter().collect();
    let folder = || tempfile::tempdir().expect("a folder");
    bencher.with_inputs(folder).bench_refs(|folder| {
        runtime.block_on(record(folder.path().join("rooms.state.json"), &rooms));
    });
}

async fn record(state: PathBuf, rooms: &[(Address, RecordedRoom)]) {
    let holder = Holder {
        pid: 1,
        host: "bench".to_owned(),
        user: "bench".to_owned(),
        command: "bench".to_owned(),
        time: Timestamp::from_millis(NOW),
    };
    let store = open(&state.into(), &StoreEnvironment::default())
        .expect("a file needs no environment")
        .lock(holder, Duration::ZERO)
        .await
        .expect("the lock");
    store.reserve(rooms.len()).await.expect("room");
    for group in rooms.chunks(10) {
        let intents = group.iter().map(|(address, record)| {
            let (kind, at) = (PendingKind::Create, Timestamp::from_millis(NOW));
            let pending = Some(Box::new(Pending::new(kind, at, Some(Arc::clone(&record.room)))));
            Entry::Intent(address.clone(), RecordedRoom { pending, ..record.clone() })
        });
        store.append(intents.collect()).await.expect("intents");
        let results =
            group.iter().map(|(address, record)| Entry::Result(address.clone(), record.clone()));
        store.append(results.collect()).await.expect("results");
    }
    store.fold(LastCalls::new()).await.expect("a fold");
}

fn plan(desired: &Desired, recorded: &Recorded) -> Plan {
    planner::plan(PlanInputs {
        desired,
        recorded,
        observed: &Observed::default(),
        scope: &Scope::default(),
        evict: &BTreeSet::new(),
        refreshed: Refreshed::As(Refresh::Never),
        in_progress: None,
    })
}

fn yaml(rooms: usize) -> String {
    let mut text =
        "version: 1\nproviders:\n  chat: {kind: zim, app_id: 1, operator: admin}\nrooms:\n"
            .to_owned();
    for number in 0..rooms {
        let room = format!(
            "  - id: room-{number:07}\n    name: Room {number} of the fleet\n    \
             destroy_delay_time: 3h\n    attributes:\n      \
             topic: \"Welcome to room {number}: be kind, and ask before you post\"\n      \
             banner: {{value: \"Hi! Ask number {number}\", auto_delete: true}}"
        );
        writeln!(text, "{room}").expect("writing to a string");
    }
    text
}

fn load(rooms: usize) -> Desired {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rooms.yaml");
    let mut file = File::create(&path).expect("a file");
    file.write_all(yaml(rooms).as_bytes()).expect("a file");
    let Loaded { desired, warnings: _ } = config::load(&[path], &|_| None).expect("no mistakes");
    desired
}

/// Returns a state in which all desired rooms are recorded.
fn recorded(desired: &Desired) -> Recorded {
    let record = |room: &DesiredRoom| RecordedRoom {
        room: Arc::clone(&room.room),
        assumed: Assumed::default(),
        created: Timestamp::from_millis(NOW),
        last_seen: None,
        last_seen_with_people: None,
        attribute_sequence: Some(2),
        request_id: Some("3436498078337787".into()),
        source: Arc::clone(&room.source),
        lifecycle: Lifecycle::default(),
        sides: Sides::default(),
        ignore_changes: Box::default(),
        pending: None,
        contested: None,
        next: None,
    };
    let rooms = desired.rooms.iter().map(|room| (room.address.clone(), record(room)));
    Recorded {
        lineage: Some(Lineage("7e9bb6ff-0d44-4ef7-9df9-7f1f5b8a1f44".to_owned())),
        serial: 1,
        rooms: rooms.collect(),
        ..Recorded::default()
    }
}
