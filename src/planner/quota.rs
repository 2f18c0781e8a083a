//! `max_rooms`: our part of the service's quota, checked while planning.

use std::collections::BTreeMap;

use crate::model::{Action, Finding, Held, HeldReason, Provider, ProviderName, Recorded, Step};

use super::builder::Steps;

/// Removes the creates that would exceed their provider's `max_rooms` from the steps.
///
/// The last ones in order are removed first, and recreates only if no create is left.
pub(super) fn hold_creates(
    steps: &mut Steps,
    providers: &BTreeMap<ProviderName, Provider>,
    alive: &BTreeMap<&ProviderName, u64>,
) -> Vec<Held> {
    let bounded = providers.values().filter_map(|p| p.max_rooms.map(|most| (p, most)));
    let held = bounded.flat_map(|(provider, most)| {
        let alive = alive.get(&provider.name).copied().unwrap_or(0);
        let surplus = (alive + steps.makes(&provider.name)).saturating_sub(most);
        let reason = HeldReason::MaxRooms(most);
        let taken = steps.take_last(&provider.name, surplus);
        taken.into_iter().map(move |step| Held { step, reason }).collect::<Vec<_>>()
    });
    held.collect()
}

/// Returns a warning for each provider with more recorded rooms than `max_rooms`.
pub(super) fn below_recorded(
    providers: &BTreeMap<ProviderName, Provider>,
    recorded: &Recorded,
) -> Vec<Finding> {
    let mut counts = BTreeMap::<&ProviderName, u64>::new();
    for address in recorded.rooms.keys() {
        *counts.entry(&address.provider).or_default() += 1;
    }
    let warning = |provider: &Provider| {
        let count = counts.get(&provider.name).copied().unwrap_or(0);
        let most = provider.max_rooms.filter(|most| *most < count)?;
        let message = format!(
            "provider `{}` has {count} recorded rooms, and `max_rooms` is {most}",
            provider.name
        );
        let finding = Finding::warning("max_rooms_below_recorded", message);
        Some(finding.help(
            "raise `max_rooms`, or remove rooms from the file: no room is created until then",
        ))
    };
    providers.values().filter_map(warning).collect()
}

impl Steps {
    /// Returns how many rooms of a provider the steps make.
    fn makes(&self, provider: &ProviderName) -> u64 {
        let made = |step: &&Step| step.action.adds_room() && step.address.provider == *provider;
        self.0.values().flatten().filter(made).count() as u64
    }

    /// Removes the last `surplus` steps that make a room of a provider, recreates last.
    fn take_last(&mut self, provider: &ProviderName, surplus: u64) -> Vec<Step> {
        let mut left = surplus;
        let mut taken = Vec::new();
        for wanted in [Action::Create, Action::Recreate] {
            for list in self.0.values_mut() {
                let matches =
                    |step: &Step| step.action == wanted && step.address.provider == *provider;
                taken.extend(split_last(list, &mut left, matches));
            }
        }
        taken
    }
}

/// Removes the last `left` steps of `list` that match, and counts `left` down.
fn split_last(list: &mut Vec<Step>, left: &mut u64, matches: impl Fn(&Step) -> bool) -> Vec<Step> {
    let mut skipped =
        (list.iter().filter(|step| matches(step)).count() as u64).saturating_sub(*left);
    let is_taken = |step: &mut Step| {
        let is_taken = matches(step) && skipped == 0;
        if matches(step) {
            skipped = skipped.saturating_sub(1);
        }
        is_taken
    };
    let taken: Vec<Step> = list.extract_if(.., is_taken).collect();
    *left = left.saturating_sub(taken.len() as u64);
    taken
}
