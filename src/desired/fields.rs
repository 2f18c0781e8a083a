//! The fields of one provider as they are read: variables replaced, numbers in their ranges.

use std::ops::RangeInclusive;

use crate::model::Finding;

use super::mirror::Amount;
use super::note::{Sink, Step, key};
use super::variables::{self, expand};
use super::words::missing_key;

/// The fields of one provider as they are read.
pub(super) struct Fields<'a, 'b> {
    pub name: &'a str,
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    pub sink: &'a mut Sink<'b>,
}

impl Fields<'_, '_> {
    pub(super) fn path(&self, fields: &[&str]) -> Vec<Step> {
        let path = [&["providers", self.name], fields].concat();
        path.into_iter().map(key).collect()
    }

    pub(super) fn fault(&mut self, fields: &[&str], finding: Finding) {
        let path = self.path(fields);
        self.sink.at(path, finding);
    }

    pub(super) fn missing(&mut self, field: &str) {
        let path = self.path(&[]);
        self.sink.missing(path, missing_key("a provider", field));
    }

    /// A field's text with its variables replaced; never told in a message, where it came from one.
    pub(super) fn text(&mut self, field: &str, text: &str) -> Option<String> {
        expand(text, self.variable).map_err(|finding| self.fault(&[field], *finding)).ok()
    }

    /// A number, or what a variable says of one.
    pub(super) fn number(
        &mut self,
        path: &[&str],
        amount: &Amount,
        range: RangeInclusive<u64>,
    ) -> Option<u64> {
        let field = path.last().copied().unwrap_or_default();
        let number = match amount {
            Amount::Number(number) => Ok(*number),
            Amount::Text(text) if variables::any(text) => match expand(text, self.variable) {
                Ok(text) => text.parse().map_err(|_| "a whole number is wanted from the variable"),
                Err(finding) => {
                    self.fault(path, *finding);
                    return None;
                }
            },
            Amount::Text(_) => Err("a whole number is wanted, and here stands text"),
        };
        let finding = match number {
            Ok(number) if range.contains(&number) => return Some(number),
            Ok(number) => Finding::error("out_of_range", format!("`{field}` cannot be {number}"))
                .help(format!("write a number from {} to {}", range.start(), range.end())),
            Err(why) => Finding::error("wrong_type", format!("`{field}`: {why}"))
                .help("write digits, without quotes"),
        };
        self.fault(path, finding);
        None
    }
}
