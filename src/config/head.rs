//! Reads the heads of the files alone, such as the location of the state, without the rooms.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::model::{Provider, ProviderName, SecretSource, StateLocation};

use super::diagnostics::Diagnostics;
use super::load::{self, Source, Subfolders, is_standard_input};
use super::resolve::{self, ResolvedHead};

/// The parts of the files that the commands for the state need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The location of the state.
    pub state: StateLocation,
    /// The locations of the providers' secrets, which must never be printed.
    pub secrets: Vec<SecretSource>,
    /// The providers.
    pub providers: BTreeMap<ProviderName, Provider>,
}

/// Reads the heads of the files that `paths` name, regardless of the rooms. Returns `None` if a head
/// has a mistake, or cannot be interpreted without its rooms: [`super::load_from`] then reports it.
/// Standard input is never read here, since it can be read only once.
#[must_use]
pub fn head(
    paths: &[PathBuf],
    subfolders: Subfolders,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Option<Head> {
    if paths.iter().any(|path| is_standard_input(path)) {
        return None;
    }
    let mut diagnostics = Diagnostics::default();
    let mut sources = load::read_all(paths, subfolders, &mut diagnostics);
    for Source { text, shown: _, path: _ } in &mut sources {
        if let Cow::Owned(head) = without_rooms(text) {
            *text = head;
        }
    }
    if diagnostics.any_error() {
        return None;
    }
    let ResolvedHead { providers, declared: _, moved: _, policy: _, state, home: _ } =
        resolve::head(&sources, variable)?;
    let secrets = providers.values().map(|provider| provider.secret.clone()).collect();
    Some(Head { state, secrets, providers })
}

/// Returns a file with `rooms: []` in place of a block of rooms.
fn without_rooms(text: &str) -> Cow<'_, str> {
    let Some((before, block)) = text.split_at_checked(rooms_line(text)) else { return text.into() };
    let mut rest = block.len();
    let mut at = 0;
    for line in block.split_inclusive('\n') {
        if at > 0 && !line.starts_with([' ', '#', '-', '\r', '\n']) {
            rest = at;
            break;
        }
        at += line.len();
    }
    if at == 0 { text.into() } else { format!("{before}rooms: []\n{}", &block[rest..]).into() }
}

/// Returns where the line `rooms:` begins, possibly with a comment; the end of the text if there is
/// none.
fn rooms_line(text: &str) -> usize {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let rest = line.strip_prefix("rooms:").map(str::trim_start);
        if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('#')) {
            return at;
        }
        at += line.len();
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_of_rooms_is_removed_and_the_rest_is_kept() {
        for (text, head) in [
            (
                "version: 1\nrooms:\n- id: a\n  name: [\n\n# note\n  - b\n",
                "version: 1\nrooms: []\n",
            ),
            ("rooms: # all\r\n  - id: a\r\n\r\nstate: s.json\n", "rooms: []\nstate: s.json\n"),
            ("version: 1\nrooms:", "version: 1\nrooms: []\n"),
            ("rooms: [{id: a}]\nstate: s.json\n", "rooms: [{id: a}]\nstate: s.json\n"),
            ("version: 1\n", "version: 1\n"),
            ("", ""),
        ] {
            assert_eq!(without_rooms(text), head, "{text}");
        }
    }
}
