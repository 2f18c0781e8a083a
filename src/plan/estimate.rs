//! How long the calls take at the rate limits.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::{Action, Call, Desired, OnOccupied, Provider, Step};

use super::services;

/// The time of the slowest call of any provider, rounded up to a tenth of a second: each call has a
/// limit of its own, and different calls go side by side.
pub(super) fn of(steps: &[Step], desired: &Desired) -> Duration {
    let mut slowest = Duration::ZERO;
    for provider in desired.providers.values() {
        let ours = steps.iter().filter(|step| step.address.provider == provider.name);
        let counts = counts(ours, provider, desired.policy.on_occupied);
        let spans = counts.into_iter().map(|(call, count)| span(count, provider.rate(call)));
        slowest = spans.fold(slowest, Duration::max);
    }
    slowest
}

fn counts<'a>(
    steps: impl Iterator<Item = &'a Step>,
    provider: &Provider,
    on_occupied: OnOccupied,
) -> BTreeMap<Call, u32> {
    let mut counts = BTreeMap::<Call, u32>::new();
    for step in steps {
        let asks = match (step.action, on_occupied) {
            (Action::Destroy | Action::Replace, OnOccupied::Defer) => {
                Some(services::people_call(provider.kind))
            }
            (Action::Destroy | Action::Replace, OnOccupied::Destroy)
            | (
                Action::Create
                | Action::Recreate
                | Action::Update
                | Action::Adopt
                | Action::Forget
                | Action::Record,
                _,
            ) => None,
        };
        for call in step.calls.iter().copied().chain(asks) {
            let count = counts.entry(call).or_default();
            *count = count.saturating_add(1);
        }
    }
    counts
}

fn span(count: u32, rate: f64) -> Duration {
    let tenths = (f64::from(count) * 10.0 / rate).ceil();
    Duration::try_from_secs_f64(tenths / 10.0).unwrap_or(Duration::MAX)
}
