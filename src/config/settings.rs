//! Everything but the rooms, resolved over all files: the providers, the policy, and where the state is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::model::{Finding, GateLimit, Moved, Policy, Provider, ProviderName};

use super::document::{Document, Rooms};
use super::files::{Source, folder};
use super::mirror::{self, Amount};
use super::moved;
use super::not_built;
use super::note::{Note, Notes, Part, Reading, Side, Sink, Spot, key};
use super::percent;
use super::provider::{self, Known};
use super::variables::{self, Lookup, Variables};
use super::words::missing_key;

/// What the files say besides their rooms.
#[derive(Debug)]
pub(super) struct Settings {
    /// The providers that are sound.
    pub providers: BTreeMap<ProviderName, Provider>,
    /// Every provider that is declared, sound or not: rooms may name it.
    pub known: BTreeMap<Box<str>, Known>,
    /// The providers that were renamed.
    pub moved: Vec<Moved>,
    /// The policy.
    pub policy: Policy,
    /// Where the state is.
    pub state: PathBuf,
    /// The folder that sources are told from.
    pub home: PathBuf,
}

/// Where the state is where no file says it.
const DEFAULT_STATE: &str = "rooms.state.json";

/// Resolves the heads of all files.
pub(super) fn settings(
    documents: &[Document],
    sources: &[Source],
    lookup: Lookup<'_>,
    notes: &mut Notes,
) -> Settings {
    for document in documents {
        version(document, &mut sink(document, notes));
    }
    let said = Said::of(documents, notes);
    rooms_somewhere(documents, notes);
    let variables = Variables::new(documents, lookup);
    let home = said.providers.map_or(Path::new(""), |it| folder(&sources[it.file].path)).to_owned();
    let (providers, known) = match said.providers {
        Some(document) => {
            provider::providers(document, &home, &variables, &mut sink(document, notes))
        }
        None => (BTreeMap::new(), BTreeMap::new()),
    };
    let moved =
        said.moved.map(|document| moved::moved(document, &known, &mut sink(document, notes)));
    let policy = said.policy.map(|document| policy(document, &mut sink(document, notes)));
    let state = said.state.and_then(|document| {
        state(
            document,
            folder(&sources[document.file].path),
            &variables,
            &mut sink(document, notes),
        )
    });
    let state = state.unwrap_or_else(|| home.join(DEFAULT_STATE));
    let (moved, policy) = (moved.unwrap_or_default(), policy.unwrap_or_default());
    Settings { providers, known, moved, policy, state, home }
}

/// Which file says what may be said in one file only.
struct Said<'a> {
    providers: Option<&'a Document>,
    moved: Option<&'a Document>,
    policy: Option<&'a Document>,
    state: Option<&'a Document>,
}

impl<'a> Said<'a> {
    fn of(documents: &'a [Document], notes: &mut Notes) -> Self {
        let providers = once(documents, "providers", |head| head.providers.is_some(), notes);
        let moved = once(documents, "moved", |head| head.moved.is_some(), notes);
        let policy = once(documents, "policy", |head| head.policy.is_some(), notes);
        let state = once(documents, "state", |head| head.state.is_some(), notes);
        let faulty = documents.iter().any(|it| it.reading == Reading::Faulty);
        if let (None, Some(first), false) = (providers, documents.first(), faulty) {
            let finding = Finding::error("missing_key", "no file has `providers`").help(
                "declare the application that holds the rooms: `providers: {chat: {kind: zim, …}}`",
            );
            sink(first, notes).at(Vec::new(), finding);
        }
        Self { providers, moved, policy, state }
    }
}

fn sink<'a>(document: &Document, notes: &'a mut Notes) -> Sink<'a> {
    Sink { notes, file: document.file, part: Part::Head, reading: document.reading }
}

/// The one file that has a key; a second one is told.
fn once<'a>(
    documents: &'a [Document],
    name: &str,
    has: impl Fn(&mirror::File) -> bool,
    notes: &mut Notes,
) -> Option<&'a Document> {
    let mut those = documents.iter().filter(|document| has(&document.head));
    let first = those.next()?;
    let at = |file| Spot::Path { file, part: Part::Head, steps: vec![key(name)], side: Side::Key };
    for second in those {
        let finding = Finding::error("said_twice", format!("two files have `{name}`"))
            .help(format!("keep `{name}` in one of them"));
        notes.push(Note { finding, spot: at(second.file), first: Some(at(first.file)) });
    }
    Some(first)
}

fn version(document: &Document, sink: &mut Sink<'_>) {
    match document.head.version {
        Some(1) => {}
        Some(other) => sink.at(
            vec![key("version")],
            Finding::error(
                "version",
                format!("this roomctl does not know version {other} of the format"),
            )
            .help("write `version: 1`"),
        ),
        None => sink.missing(Vec::new(), missing_key("the file", "version")),
    }
}

/// Files without any `rooms` are a mistake, and never "no rooms".
fn rooms_somewhere(documents: &[Document], notes: &mut Notes) {
    let absent = |document: &Document| {
        matches!(document.rooms, Rooms::Absent) && document.head.rooms.is_none()
    };
    if let (Some(first), true) = (documents.first(), documents.iter().all(absent)) {
        let finding = Finding::error("missing_key", "no file has `rooms`")
            .help("write `rooms: []` where there are to be none");
        sink(first, notes).missing(Vec::new(), finding);
    }
}

fn policy(document: &Document, sink: &mut Sink<'_>) -> Policy {
    let Some(policy) = &document.head.policy else { return Policy::default() };
    let mirror::Policy {
        refresh,
        on_conflict,
        on_vanish: _,
        on_occupied,
        replace: _,
        max_destroy,
        max_recreate,
    } = policy;
    let mut limit = |name, amount: &Option<Amount>| {
        let limit = amount.as_ref().and_then(|amount| gate_limit(name, amount, sink));
        limit.unwrap_or_default()
    };
    Policy {
        refresh: refresh.unwrap_or_default(),
        on_conflict: on_conflict.unwrap_or_default(),
        on_occupied: *on_occupied,
        max_destroy: limit("max_destroy", max_destroy),
        max_recreate: limit("max_recreate", max_recreate),
    }
}

fn gate_limit(name: &'static str, amount: &Amount, sink: &mut Sink<'_>) -> Option<GateLimit> {
    let text = match amount {
        Amount::Number(count) => return Some(GateLimit::Count(*count)),
        Amount::Text(text) => text,
    };
    let most = percent(text).map(GateLimit::Percent);
    if most.is_none() {
        let finding = if variables::any(text) {
            variables::not_here(name)
        } else {
            Finding::error(name, format!("`{name}` wants a number or a share"))
                .help("write a number, or a share from 0% to 100%, such as `30%`")
        };
        sink.at(vec![key("policy"), key(name)], finding);
    }
    most
}

fn state(
    document: &Document,
    folder: &Path,
    variables: &Variables<'_>,
    sink: &mut Sink<'_>,
) -> Option<PathBuf> {
    let text = &document.head.state.as_ref()?.0;
    let finding = match variables.expand(text) {
        Err(finding) => *finding,
        Ok(path) if path.is_empty() => Finding::error("state", "`state` is empty")
            .help(format!("write a path beside this file, such as `{DEFAULT_STATE}`")),
        Ok(path) if path.contains("://") => not_built::finding("a state at a URL"),
        Ok(path) if path.ends_with(['/', '\\']) => {
            Finding::error("state", "`state` names a folder")
                .help(format!("write a file's path, such as `{DEFAULT_STATE}`"))
        }
        Ok(path) => return Some(folder.join(path)),
    };
    sink.at(vec![key("state")], finding);
    None
}
