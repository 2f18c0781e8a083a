//! Everything but the rooms, resolved over all files: the providers, the policy, and where the state is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::model::{Finding, GateLimit, Moved, Policy, Provider, ProviderName};

use super::diagnostics::{
    Diagnostic, Diagnostics, EntryPart, Location, Part, Reading, Reporter, key,
};
use super::document::{Document, Rooms};
use super::files::{Source, folder};
use super::moved;
use super::not_built;
use super::percent;
use super::provider::{self, DeclaredProvider};
use super::raw::{self, Amount};
use super::variables::{self, Lookup, Variables};
use super::words::missing_key;

/// What the files say besides their rooms.
#[derive(Debug)]
pub(super) struct ResolvedHead {
    /// The providers that are sound.
    pub providers: BTreeMap<ProviderName, Provider>,
    /// Every provider that is declared, sound or not: rooms may name it.
    pub known: BTreeMap<Box<str>, DeclaredProvider>,
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
    diagnostics: &mut Diagnostics,
) -> ResolvedHead {
    for document in documents {
        version(document, &mut reporter(document, diagnostics));
    }
    let once = OncePerFleet::of(documents, diagnostics);
    rooms_somewhere(documents, diagnostics);
    let variables = Variables::new(documents, lookup);
    let home = once.providers.map_or(Path::new(""), |it| folder(&sources[it.file].path)).to_owned();
    let (providers, known) = match once.providers {
        Some(document) => {
            provider::providers(document, &home, &variables, &mut reporter(document, diagnostics))
        }
        None => (BTreeMap::new(), BTreeMap::new()),
    };
    let moved = once
        .moved
        .map(|document| moved::moved(document, &known, &mut reporter(document, diagnostics)));
    let policy = once.policy.map(|document| policy(document, &mut reporter(document, diagnostics)));
    let state = once.state.and_then(|document| {
        state(
            document,
            folder(&sources[document.file].path),
            &variables,
            &mut reporter(document, diagnostics),
        )
    });
    let state = state.unwrap_or_else(|| home.join(DEFAULT_STATE));
    let (moved, policy) = (moved.unwrap_or_default(), policy.unwrap_or_default());
    ResolvedHead { providers, known, moved, policy, state, home }
}

/// Which file says what may be said in one file only.
struct OncePerFleet<'a> {
    providers: Option<&'a Document>,
    moved: Option<&'a Document>,
    policy: Option<&'a Document>,
    state: Option<&'a Document>,
}

impl<'a> OncePerFleet<'a> {
    fn of(documents: &'a [Document], diagnostics: &mut Diagnostics) -> Self {
        let providers =
            one_file(documents, "providers", |head| head.providers.is_some(), diagnostics);
        let moved = one_file(documents, "moved", |head| head.moved.is_some(), diagnostics);
        let policy = one_file(documents, "policy", |head| head.policy.is_some(), diagnostics);
        let state = one_file(documents, "state", |head| head.state.is_some(), diagnostics);
        let faulty = documents.iter().any(|it| it.reading == Reading::Partial);
        if let (None, Some(first), false) = (providers, documents.first(), faulty) {
            let finding = Finding::error("missing_key", "no file has `providers`").help(
                "declare the application that holds the rooms: `providers: {chat: {kind: zim, …}}`",
            );
            reporter(first, diagnostics).at(Vec::new(), finding);
        }
        Self { providers, moved, policy, state }
    }
}

fn reporter<'a>(document: &Document, diagnostics: &'a mut Diagnostics) -> Reporter<'a> {
    Reporter { diagnostics, file: document.file, part: Part::Head, reading: document.reading }
}

/// The one file that has a key; a second one is told.
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
        steps: vec![key(name)],
        side: EntryPart::Key,
    };
    for second in those {
        let finding = Finding::error("said_twice", format!("two files have `{name}`"))
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
            Finding::error(
                "version",
                format!("this roomctl does not know version {other} of the format"),
            )
            .help("write `version: 1`"),
        ),
        None => reporter.missing(Vec::new(), missing_key("the file", "version")),
    }
}

/// Files without any `rooms` are a mistake, and never "no rooms".
fn rooms_somewhere(documents: &[Document], diagnostics: &mut Diagnostics) {
    let absent = |document: &Document| {
        matches!(document.rooms, Rooms::Absent) && document.head.rooms.is_none()
    };
    if let (Some(first), true) = (documents.first(), documents.iter().all(absent)) {
        let finding = Finding::error("missing_key", "no file has `rooms`")
            .help("write `rooms: []` where there are to be none");
        reporter(first, diagnostics).missing(Vec::new(), finding);
    }
}

fn policy(document: &Document, reporter: &mut Reporter<'_>) -> Policy {
    let Some(policy) = &document.head.policy else { return Policy::default() };
    let raw::Policy {
        refresh,
        on_conflict,
        on_vanish: _,
        on_occupied,
        replace: _,
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
        on_occupied: *on_occupied,
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
        let finding = if variables::any(text) {
            variables::not_here(name)
        } else {
            Finding::error(name, format!("`{name}` wants a number or a share"))
                .help("write a number, or a share from 0% to 100%, such as `30%`")
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
    reporter.at(vec![key("state")], finding);
    None
}
