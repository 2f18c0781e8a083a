//! Applies over a store with a lease: their pace, the send windows of calls, loss and takeover of the lease.

mod calls;
mod loss;
mod pace;
mod takeover;

use std::collections::BTreeSet;
use std::time::Duration;

use roomctl::applier::Stop;
use roomctl::emulator::EmulatorConfig;
use roomctl::engine::{self, ApplyRequest, Approver, Reviewed, SessionError};
use roomctl::model::{ApprovedPlan, Desired, Plan, Refresh, Scope};

use crate::stores::lease::LeaseStore;
use crate::support::fleet::HEAD;
use crate::support::{Fuse, RunOptions, World, plain_service};

/// Returns the services with the vendors' limits and 50 ms of latency. There is no jitter, which
/// costs a part of the limit on any store.
fn service() -> EmulatorConfig {
    EmulatorConfig { latency: Duration::from_millis(50), ..plain_service() }
}

fn chat_rooms(count: usize) -> String {
    let room = |n| format!("  - {{id: r{n:05}, destroy_delay_time: 3h}}\n");
    format!("{HEAD}rooms:\n{}", (0..count).map(room).collect::<String>())
}

fn live_rooms(count: usize) -> String {
    let room = |n| {
        format!("  - {{id: r{n:05}, seat_template: Karaoke, attributes: {{topic: welcome}}}}\n")
    };
    let rooms: String = (0..count).map(room).collect();
    format!(
        "version: 1\nproviders: {{live: {{kind: tencent-live, app_id: 1, operator: admin, \
         endpoint: emulator}}}}\nstate: rooms.state.json\nrooms:\n{rooms}"
    )
}

async fn apply(world: &World, text: &str) -> usize {
    let desired = world.declare(text);
    let ran = world.apply(&desired, &RunOptions::with_consent()).await.expect("a state").ran();
    assert_eq!((&ran.outcome.failed[..], &ran.outcome.not_tried[..]), (&[][..], &[][..]));
    ran.outcome.done.len()
}

/// Takes the lease over while the run waits for the approval, which it never gives.
struct TakeOverBeforeApproval<'a>(&'a LeaseStore);

impl Approver<SessionError> for TakeOverBeforeApproval<'_> {
    async fn approve(&self, _: Plan) -> Result<ApprovedPlan, SessionError> {
        self.0.take_over();
        std::future::pending().await
    }
}

async fn apply_and_take_over(
    world: &World,
    store: &LeaseStore,
    desired: &Desired,
    stop: &Stop,
) -> SessionError {
    apply_error(world, desired, stop, &TakeOverBeforeApproval(store)).await
}

/// Applies, and returns the error that ends the run.
async fn apply_error(
    world: &World,
    desired: &Desired,
    stop: &Stop,
    approver: &impl Approver<SessionError>,
) -> SessionError {
    let (fuse, opened) = (Fuse::never(), world.store());
    let connector = world.connector(desired, &fuse);
    let session = world.session(desired, &*opened, &connector, stop);
    let request = ApplyRequest {
        refresh: Refresh::Due,
        scope: &Scope::default(),
        reviewed: Reviewed::default(),
        evict: &BTreeSet::new(),
        concurrency: None,
        lock: world.lock(),
        warnings: &[],
    };
    match engine::apply(&session, request, approver).await {
        Ok(applied) => applied.closed.expect_err("an error"),
        Err(error) => error,
    }
}
