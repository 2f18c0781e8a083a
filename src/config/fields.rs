//! The fields of one provider as they are read: variables replaced, numbers in their ranges.

use std::ops::RangeInclusive;

use crate::model::Finding;

use super::diagnostics::{PathSegment, Reporter, key};
use super::raw::Amount;
use super::variables::{self, Variables};
use super::words::missing_key;

/// The fields of one provider as they are read.
pub(super) struct ProviderFields<'a, 'b> {
    pub name: &'a str,
    pub variables: &'a Variables<'a>,
    pub reporter: &'a mut Reporter<'b>,
}

impl ProviderFields<'_, '_> {
    pub(super) fn path(&self, fields: &[&str]) -> Vec<PathSegment> {
        let path = [&["providers", self.name], fields].concat();
        path.into_iter().map(key).collect()
    }

    pub(super) fn fault(&mut self, fields: &[&str], finding: Finding) {
        let path = self.path(fields);
        self.reporter.at(path, finding);
    }

    pub(super) fn missing(&mut self, field: &str) {
        let path = self.path(&[]);
        self.reporter.missing(path, missing_key("a provider", field));
    }

    /// A field's text with its variables replaced. Where it holds any, no finding may repeat it.
    pub(super) fn text(&mut self, field: &str, text: &str) -> Option<String> {
        self.variables.expand(text).map_err(|finding| self.fault(&[field], *finding)).ok()
    }

    /// The text of a field that takes no variables.
    pub(super) fn literal<'t>(&mut self, field: &str, text: &'t str) -> Option<&'t str> {
        if variables::any(text) {
            self.fault(&[field], variables::not_here(field));
            return None;
        }
        Some(text)
    }

    /// A number in its range.
    pub(super) fn number(
        &mut self,
        path: &[&str],
        number: u64,
        range: &RangeInclusive<u64>,
    ) -> Option<u64> {
        if range.contains(&number) {
            return Some(number);
        }
        let field = path.last().copied().unwrap_or_default();
        self.out_of_range(path, format!("`{field}` cannot be {number}"), range);
        None
    }

    /// A number, or what variables say of one: that is never repeated.
    pub(super) fn amount(
        &mut self,
        field: &str,
        amount: &Amount,
        range: &RangeInclusive<u64>,
    ) -> Option<u64> {
        let text = match amount {
            Amount::Number(number) => return self.number(&[field], *number, range),
            Amount::Text(text) => text,
        };
        let wrong = |why: &str| Finding::error("wrong_type", format!("`{field}`: {why}"));
        if !variables::any(text) {
            let finding = wrong("a whole number is wanted, and here stands text");
            self.fault(&[field], finding.help("write digits, without quotes"));
            return None;
        }
        let Ok(number) = self.text(field, text)?.parse::<u64>() else {
            let finding = wrong("the variables make no whole number");
            self.fault(&[field], finding.help("set the variable to digits"));
            return None;
        };
        if !range.contains(&number) {
            let message = format!("`{field}`: the variables make a number that it cannot be");
            self.out_of_range(&[field], message, range);
            return None;
        }
        Some(number)
    }

    fn out_of_range(&mut self, path: &[&str], message: String, range: &RangeInclusive<u64>) {
        let finding = Finding::error("out_of_range", message);
        let help = format!("write a number from {} to {}", range.start(), range.end());
        self.fault(path, finding.help(help));
    }
}
