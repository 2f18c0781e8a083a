//! Estimates how long the calls take at the rate limits.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::{Action, Call, Desired, OnOccupied, Provider, ProviderName, Step};

use super::builder::Phase;

/// Returns the time of the slowest provider, rounded up to a tenth of a second. Phases follow one
/// another; within a phase different calls run in parallel. The destroys of rooms with several sides
/// wait for the sides that go first.
pub(super) fn of(steps: &[Step], desired: &Desired) -> Duration {
    let mut slowest = Duration::ZERO;
    let mut destroying = BTreeMap::<&ProviderName, f64>::new();
    let mut providers: Vec<&Provider> = desired.providers.values().collect();
    providers.sort_by_key(|provider| provider.kind());
    for provider in providers {
        let ours = steps.iter().filter(|step| step.address.provider == provider.name);
        let waits_for = ours.clone().filter(|step| step.action == Action::Destroy);
        let waits_for = waits_for.flat_map(|step| step.sides.iter());
        let earlier = waits_for.filter_map(|side| destroying.get(side)).copied();
        let earlier = earlier.fold(0.0, f64::max);
        let mut whole = 0.0;
        for (phase, counts) in counts(ours, provider) {
            let spans =
                counts.into_iter().map(|(call, count)| f64::from(count) / provider.rate(call));
            let mut span = spans.fold(0.0, f64::max);
            if phase == Phase::Destroy {
                span = span.max(earlier);
                destroying.insert(&provider.name, span);
            }
            whole += span;
        }
        slowest = slowest.max(in_tenths(whole));
    }
    slowest
}

/// Returns the number of calls of each sort in each phase.
fn counts<'a>(
    steps: impl Iterator<Item = &'a Step>,
    provider: &Provider,
) -> BTreeMap<Phase, BTreeMap<Call, u32>> {
    let mut counts = BTreeMap::<Phase, BTreeMap<Call, u32>>::new();
    for step in steps {
        let phase = Phase::of(step.action);
        let asks = match (phase, step.on_occupied) {
            (Phase::Destroy | Phase::Replace, OnOccupied::Defer) => {
                Some(provider.kind().people_call())
            }
            (Phase::Destroy | Phase::Replace, OnOccupied::Destroy)
            | (Phase::Update | Phase::Create | Phase::Adopt | Phase::Record | Phase::Forget, _) => {
                None
            }
        };
        for call in step.calls.iter().copied().chain(asks) {
            let count = counts.entry(phase).or_default().entry(call).or_default();
            *count = count.saturating_add(1);
        }
    }
    counts
}

fn in_tenths(seconds: f64) -> Duration {
    let tenths = (seconds * 10.0 - 1e-6).ceil();
    Duration::try_from_secs_f64(tenths.max(0.0) / 10.0).unwrap_or(Duration::MAX)
}
