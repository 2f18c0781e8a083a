//! Collects findings, at most a fixed number for each code: a million rooms may have the same one.

use std::collections::BTreeMap;

use crate::model::{Finding, ProviderName};

use super::join::Row;

/// The number of findings of one code that are listed individually.
const MAX_LISTED: usize = 100;

/// Findings by code: the first ones, and the number of the rest.
#[derive(Default)]
pub(super) struct FindingCollector {
    listed: BTreeMap<&'static str, (Vec<Finding>, u64)>,
    undeclared: BTreeMap<ProviderName, u64>,
}

impl FindingCollector {
    pub(super) fn add(&mut self, finding: Finding) {
        let (listed, rest) = self.listed.entry(finding.code).or_default();
        if listed.len() < MAX_LISTED {
            listed.push(finding);
        } else {
            *rest += 1;
        }
    }

    pub(super) fn append(&mut self, later: Self) {
        let Self { listed, undeclared } = later;
        for (code, (findings, rest)) in listed {
            for finding in findings {
                self.add(finding);
            }
            self.listed.entry(code).or_default().1 += rest;
        }
        for (provider, count) in undeclared {
            *self.undeclared.entry(provider).or_default() += count;
        }
    }

    pub(super) fn undeclared(&mut self, row: &Row<'_>) {
        if row.recorded.is_some() {
            *self.undeclared.entry(row.address.provider.clone()).or_default() += 1;
        }
    }

    /// Returns the findings by code and address, with the rest of each code as a number, then the
    /// undeclared providers.
    pub(super) fn into_findings(self) -> Vec<Finding> {
        let Self { listed, undeclared } = self;
        let more = |code, rest| {
            let message = format!("the same for {rest} more rooms");
            (rest > 0).then(|| Finding::warning(code, message))
        };
        let listed = listed
            .into_iter()
            .flat_map(|(code, (findings, rest))| findings.into_iter().chain(more(code, rest)));
        let lost = undeclared.into_iter().map(|(name, count)| undeclared_provider(&name, count));
        listed.chain(lost).collect()
    }
}

fn undeclared_provider(name: &ProviderName, count: u64) -> Finding {
    let rooms = if count == 1 {
        "1 recorded room is".to_owned()
    } else {
        format!("{count} recorded rooms are")
    };
    let message = format!("the provider `{name}` is no longer declared: {rooms} left as they are");
    Finding::warning("provider_not_declared", message).help(format!(
        "declare `{name}` again to keep or destroy them, or remove them from the record with `roomctl \
         state rm`"
    ))
}
