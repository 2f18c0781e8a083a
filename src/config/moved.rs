//! The `moved` list: providers that were renamed, whose records follow.

use std::collections::BTreeMap;

use crate::model::{Finding, Moved, ProviderName};

use super::diagnostics::{Diagnostic, EntryPart, PathSegment, Reporter, index, key};
use super::document::Document;
use super::names::suggestion;
use super::provider::DeclaredProvider;
use super::raw::{self, Text};
use super::words::missing_key;

/// Resolves the `moved` list of the file that has it: each from a name that is no longer declared to
/// one that is. Sorted by the old name.
pub(super) fn moved(
    document: &Document,
    known: &BTreeMap<Box<str>, DeclaredProvider>,
    reporter: &mut Reporter<'_>,
) -> Vec<Moved> {
    let list = document.head.moved.as_deref().unwrap_or_default();
    let entries = (0..list.len()).filter_map(|at| Entry { list, at, known }.resolve(reporter));
    let mut moved: Vec<Moved> = entries.collect();
    moved.sort_by(|a, b| a.from.cmp(&b.from));
    moved
}

/// One entry, and what it is held against.
struct Entry<'a> {
    list: &'a [raw::Moved],
    at: usize,
    known: &'a BTreeMap<Box<str>, DeclaredProvider>,
}

impl Entry<'_> {
    fn resolve(&self, reporter: &mut Reporter<'_>) -> Option<Moved> {
        let raw::Moved { from, to } = &self.list[self.at];
        for (name, text) in [("from", from), ("to", to)] {
            if text.is_none() {
                reporter.missing(self.path(None), missing_key("an entry of `moved`", name));
            }
        }
        let (Text(from), Text(to)) = (from.as_ref()?, to.as_ref()?);
        let (from, to) = (self.from(from, to, reporter), self.to(to, reporter));
        Some(Moved { from: from?, to: to? })
    }

    /// The old name: of no declared provider, and given once.
    fn from(&self, from: &str, to: &str, reporter: &mut Reporter<'_>) -> Option<ProviderName> {
        let earlier = self.list[..self.at].iter().position(|it| is(it.from.as_ref(), from));
        let at = self.path(Some("from"));
        if let Some(earlier) = earlier {
            let finding = Finding::error("moved", format!("`{from}` is moved twice"))
                .help("keep one of the entries");
            let first = vec![key("moved"), index(earlier), key("from")];
            let (location, first) = (
                reporter.location(at, EntryPart::Value),
                reporter.location(first, EntryPart::Value),
            );
            reporter.diagnostics.push(Diagnostic { finding, location, first: Some(first) });
            return None;
        }
        let finding = if from == to {
            Finding::error("moved", format!("`{from}` is moved to itself"))
                .help("name the provider's old name in `from` and its new one in `to`")
        } else if self.known.contains_key(from) {
            Finding::error("moved", format!("`{from}` is moved, and still declared"))
                .help("rename the provider, or take this entry out")
        } else {
            let name = ProviderName::new(from).ok();
            if name.is_some() {
                return name;
            }
            Finding::error("provider_name", format!("`{from}` is no provider name"))
                .help("lower-case letters, digits, `_` and `-` only")
        };
        reporter.at(at, finding);
        None
    }

    /// The new name: of a declared provider.
    fn to(&self, to: &str, reporter: &mut Reporter<'_>) -> Option<ProviderName> {
        if self.known.contains_key(to) || self.known.is_empty() {
            return ProviderName::new(to).ok();
        }
        let onward = self.list.iter().find(|it| is(it.from.as_ref(), to));
        let finding = if let Some(Text(last)) = onward.and_then(|it| it.to.as_ref()) {
            Finding::error("moved", format!("`{to}` is itself moved"))
                .help(format!("name the last one at once: `to: {last}`"))
        } else {
            let names: Vec<&str> = self.known.keys().map(|name| &**name).collect();
            Finding::error("unknown_provider", format!("no provider is named `{to}`"))
                .help(suggestion(to, &names))
        };
        reporter.at(self.path(Some("to")), finding);
        None
    }

    fn path(&self, name: Option<&str>) -> Vec<PathSegment> {
        [key("moved"), index(self.at)].into_iter().chain(name.map(key)).collect()
    }
}

fn is(text: Option<&Text>, name: &str) -> bool {
    text.is_some_and(|Text(text)| **text == *name)
}
