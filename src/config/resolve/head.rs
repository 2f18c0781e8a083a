//! Resolves everything but the rooms over all files: providers, policy, renames, and the state.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::model::{
    Finding, GateLimit, LocationError, Moved, Policy, Provider, ProviderName, StateLocation,
};

use super::provider::{self, DeclaredProvider};
use crate::config::decode::{Document, Rooms};
use crate::config::diagnostics::{
    Diagnostic, Diagnostics, EntryPart, Location, Part, PathSegment, Reading, Reporter, index, key,
    missing_key, suggestion,
};
use crate::config::load::{Source, folder};
use crate::config::raw::{self, Amount, Text};
use crate::config::values::percent;
use crate::config::variables::{Lookup, Variables, any, not_here};

/// What the files declare besides their rooms.
#[derive(Debug)]
pub(in crate::config) struct ResolvedHead {
    /// The providers without mistakes.
    pub providers: BTreeMap<ProviderName, Provider>,
    /// Every declared provider, including those with mistakes, since rooms may name them.
    pub declared: BTreeMap<Box<str>, DeclaredProvider>,
    /// The providers that were renamed.
    pub moved: Vec<Moved>,
    /// The policy.
    pub policy: Policy,
    /// The location of the state.
    pub state: StateLocation,
    /// The folder that the paths of sources are relative to.
    pub home: PathBuf,
}

/// The location of the state if no file has `state`.
const DEFAULT_STATE: &str = "rooms.state.json";

/// Resolves the heads of all files.
pub(super) fn resolve(
    documents: &[Document],
    sources: &[Source],
    lookup: Lookup<'_>,
    diagnostics: &mut Diagnostics,
) -> ResolvedHead {
    for document in documents {
        version(document, &mut reporter(document, diagnostics));
    }
    let single = SingleDocuments::of(documents, diagnostics);
    rooms_somewhere(documents, diagnostics);
    let variables = Variables::new(documents, lookup);
    let home =
        single.providers.map_or(Path::new(""), |it| folder(&sources[it.file].path)).to_owned();
    let (providers, declared) = match single.providers {
        Some(document) => {
            provider::providers(document, &home, &variables, &mut reporter(document, diagnostics))
        }
        None => (BTreeMap::new(), BTreeMap::new()),
    };
    let moved = single
        .moved
        .map(|document| moved(document, &declared, &mut reporter(document, diagnostics)));
    let policy =
        single.policy.map(|document| policy(document, &mut reporter(document, diagnostics)));
    let state = single.state.and_then(|document| {
        state(
            document,
            folder(&sources[document.file].path),
            &variables,
            &mut reporter(document, diagnostics),
        )
    });
    let state = state.unwrap_or_else(|| home.join(DEFAULT_STATE).into());
    let (moved, policy) = (moved.unwrap_or_default(), policy.unwrap_or_default());
    ResolvedHead { providers, declared, moved, policy, state, home }
}

/// The files with the keys that only one file may have.
struct SingleDocuments<'a> {
    providers: Option<&'a Document>,
    moved: Option<&'a Document>,
    policy: Option<&'a Document>,
    state: Option<&'a Document>,
}

impl<'a> SingleDocuments<'a> {
    fn of(documents: &'a [Document], diagnostics: &mut Diagnostics) -> Self {
        let providers =
            one_file(documents, "providers", |head| head.providers.is_some(), diagnostics);
        let moved = one_file(documents, "moved", |head| head.moved.is_some(), diagnostics);
        let policy = one_file(documents, "policy", |head| head.policy.is_some(), diagnostics);
        let state = one_file(documents, "state", |head| head.state.is_some(), diagnostics);
        let partial = documents.iter().any(|it| it.reading == Reading::Partial);
        if let (None, Some(first), false) = (providers, documents.first(), partial) {
            let finding = Finding::error("missing_key", "no file has `providers`")
                .help("declare the application of the rooms: `providers: {chat: {kind: zim, …}}`");
            reporter(first, diagnostics).at(Vec::new(), finding);
        }
        Self { providers, moved, policy, state }
    }
}

fn reporter<'a>(document: &Document, diagnostics: &'a mut Diagnostics) -> Reporter<'a> {
    Reporter { diagnostics, file: document.file, part: Part::Head, reading: document.reading }
}

/// Returns the only file that has a key, and reports a second one.
fn one_file<'a>(
    documents: &'a [Document],
    name: &str,
    has: impl Fn(&raw::File) -> bool,
    diagnostics: &mut Diagnostics,
) -> Option<&'a Document> {
    let mut those = documents.iter().filter(|document| has(&document.head));
    let first = those.next()?;
    let at = |file| Location::Path {
        file,
        part: Part::Head,
        path: vec![key(name)],
        entry: EntryPart::Key,
    };
    for second in those {
        let finding = Finding::error("said_twice", format!("`{name}` is in two files"))
            .help(format!("keep `{name}` in one of them"));
        diagnostics.push(Diagnostic {
            finding,
            location: at(second.file),
            first: Some(at(first.file)),
        });
    }
    Some(first)
}

fn version(document: &Document, reporter: &mut Reporter<'_>) {
    match document.head.version {
        Some(1) => {}
        Some(other) => reporter.at(
            vec![key("version")],
            Finding::error("version", format!("unsupported version {other} of the format"))
                .help("write `version: 1`"),
        ),
        None => reporter.missing(Vec::new(), missing_key("the file", "version")),
    }
}

/// Reports files without any `rooms`, which must not mean that there are no rooms.
fn rooms_somewhere(documents: &[Document], diagnostics: &mut Diagnostics) {
    let absent = |document: &Document| {
        matches!(document.rooms, Rooms::Absent) && document.head.rooms.is_none()
    };
    if let (Some(first), true) = (documents.first(), documents.iter().all(absent)) {
        let finding = Finding::error("missing_key", "no file has `rooms`")
            .help("write `rooms: []` for no rooms");
        reporter(first, diagnostics).missing(Vec::new(), finding);
    }
}

fn policy(document: &Document, reporter: &mut Reporter<'_>) -> Policy {
    let Some(policy) = &document.head.policy else { return Policy::default() };
    let raw::Policy {
        refresh,
        on_conflict,
        on_vanish,
        on_occupied,
        replace,
        max_destroy,
        max_recreate,
    } = policy;
    let mut limit = |name, amount: &Option<Amount>| {
        let limit = amount.as_ref().and_then(|amount| gate_limit(name, amount, reporter));
        limit.unwrap_or_default()
    };
    Policy {
        refresh: refresh.unwrap_or_default(),
        on_conflict: on_conflict.unwrap_or_default(),
        on_vanish: on_vanish.unwrap_or_default(),
        on_occupied: *on_occupied,
        replace: replace.unwrap_or_default(),
        max_destroy: limit("max_destroy", max_destroy),
        max_recreate: limit("max_recreate", max_recreate),
    }
}

fn gate_limit(
    name: &'static str,
    amount: &Amount,
    reporter: &mut Reporter<'_>,
) -> Option<GateLimit> {
    let text = match amount {
        Amount::Number(count) => return Some(GateLimit::Count(*count)),
        Amount::Text(text) => text,
    };
    let most = percent(text).map(GateLimit::Percent);
    if most.is_none() {
        let finding = if any(text) {
            not_here(name)
        } else {
            Finding::error(name, format!("`{name}`: expected a number or a percentage"))
                .help("write a number, or a percentage from 0% to 100%, such as `30%`")
        };
        reporter.at(vec![key("policy"), key(name)], finding);
    }
    most
}

fn state(
    document: &Document,
    folder: &Path,
    variables: &Variables<'_>,
    reporter: &mut Reporter<'_>,
) -> Option<StateLocation> {
    let raw = &document.head.state.as_ref()?.0;
    let finding = match variables.expand(raw) {
        Err(finding) => *finding,
        Ok(path) if path.is_empty() => Finding::error("state", "`state` is empty")
            .help(format!("write a path beside this file, such as `{DEFAULT_STATE}`")),
        Ok(path) if !path.contains("://") && path.ends_with(['/', '\\']) => {
            Finding::error("state", "`state` names a folder")
                .help(format!("write a file's path, such as `{DEFAULT_STATE}`"))
        }
        Ok(text) => match text.parse::<StateLocation>() {
            Ok(location) => return Some(location.in_folder(folder)),
            // The error may contain a part of the text, which is a variable's value.
            Err(
                LocationError::UnknownParameter(_)
                | LocationError::UnknownDatabaseParameter(_)
                | LocationError::Lease(_),
            ) if any(raw) => Finding::error(
                "state",
                "invalid `state`: the variables do not expand to a state's URL",
            )
            .help(
                "write s3://BUCKET/KEY, gs://BUCKET/KEY, az://CONTAINER/KEY or \
                           postgres://HOST/DATABASE, with known parameters only",
            ),
            Err(error) => Finding::error("state", format!("invalid `state`: {error}")),
        },
    };
    reporter.at(vec![key("state")], finding);
    None
}

/// Resolves the `moved` list: from names that are no longer declared to declared ones. Sorted by old
/// name.
fn moved(
    document: &Document,
    declared: &BTreeMap<Box<str>, DeclaredProvider>,
    reporter: &mut Reporter<'_>,
) -> Vec<Moved> {
    let list = document.head.moved.as_deref().unwrap_or_default();
    let entries = (0..list.len()).filter_map(|at| Entry { list, at, declared }.resolve(reporter));
    let mut moved: Vec<Moved> = entries.collect();
    moved.sort_by(|a, b| a.from.cmp(&b.from));
    moved
}

/// An entry of `moved`, with what it is checked against.
struct Entry<'a> {
    list: &'a [raw::Moved],
    at: usize,
    declared: &'a BTreeMap<Box<str>, DeclaredProvider>,
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

    /// Returns the old name, which must not be declared, and must be listed once.
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
        } else if self.declared.contains_key(from) {
            Finding::error("moved", format!("`{from}` is moved, and still declared"))
                .help("rename the provider, or remove this entry")
        } else {
            let name = ProviderName::new(from).ok();
            if name.is_some() {
                return name;
            }
            Finding::error("provider_name", format!("`{from}` is not a valid provider name"))
                .help("lower-case letters, digits, `_` and `-` only")
        };
        reporter.at(at, finding);
        None
    }

    /// Returns the new name, which must be declared.
    fn to(&self, to: &str, reporter: &mut Reporter<'_>) -> Option<ProviderName> {
        if self.declared.contains_key(to) || self.declared.is_empty() {
            return ProviderName::new(to).ok();
        }
        let onward = self.list.iter().find(|it| is(it.from.as_ref(), to));
        let finding = if let Some(Text(last)) = onward.and_then(|it| it.to.as_ref()) {
            Finding::error("moved", format!("`{to}` is itself renamed"))
                .help(format!("use the last name directly: `to: {last}`"))
        } else {
            let names: Vec<&str> = self.declared.keys().map(|name| &**name).collect();
            Finding::error("unknown_provider", format!("unknown provider `{to}`"))
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
