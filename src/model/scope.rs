//! The rooms that a run includes: `--target` and `--exclude`.

use std::fmt;

use globset::{Glob, GlobMatcher};
use serde::{Deserialize, Serialize};

use super::{Address, AddressError, DigestEncoder};

/// The rooms that a run includes; all of them by default.
///
/// An exact address overrides a glob, so that one room can be excluded from many, or included. A
/// pattern that is the address of an existing room is that address, since ids may contain `?` and `[`.
/// In a glob, `*` also matches `/`.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    target: Vec<Pattern>,
    exclude: Vec<Pattern>,
}

/// A scope that is not all rooms, with the number of its rooms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partial {
    /// The addresses and globs of `--target`.
    pub target: Vec<String>,
    /// The addresses and globs of `--exclude`.
    pub exclude: Vec<String>,
    /// How many rooms are in the scope.
    pub rooms: u64,
    /// How many rooms are declared or recorded.
    pub of: u64,
}

/// Why a scope cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// A pattern is neither an address nor a glob.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// A pattern is an invalid glob.
    #[error("invalid glob `{pattern}`: {why}")]
    Glob {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        why: String,
    },
    /// A pattern matches no room.
    #[error("`{flag} {pattern}` matches no room that is declared or recorded")]
    MatchesNothing {
        /// The flag that has the pattern.
        flag: &'static str,
        /// The pattern.
        pattern: String,
    },
}

#[derive(Clone, Debug)]
struct Pattern {
    text: String,
    /// `None` if the pattern is an address.
    glob: Option<GlobMatcher>,
    has_matched: bool,
}

impl Scope {
    /// Parses the patterns of `--target` and `--exclude`.
    ///
    /// # Errors
    /// Returns the first pattern that is neither an address nor a glob.
    pub fn parse(target: &[String], exclude: &[String]) -> Result<Self, ScopeError> {
        let parse = |patterns: &[String]| -> Result<Vec<Pattern>, ScopeError> {
            patterns.iter().map(|text| Pattern::parse(text)).collect()
        };
        Ok(Self { target: parse(target)?, exclude: parse(exclude)? })
    }

    /// Returns the scope with its patterns matched against existing rooms. A pattern that is the
    /// address of one of them is not a glob.
    #[must_use]
    pub fn matched<'a>(mut self, rooms: impl IntoIterator<Item = &'a Address>) -> Self {
        if self.is_everything() {
            return self;
        }
        for room in rooms {
            let room = room.to_string();
            self.target.iter_mut().chain(&mut self.exclude).for_each(|it| it.match_room(&room));
        }
        self
    }

    /// Checks that every pattern matched a room.
    ///
    /// # Errors
    /// Returns the first pattern that did not.
    pub fn check(&self) -> Result<(), ScopeError> {
        let flagged = |flag| move |pattern| (flag, pattern);
        let target = self.target.iter().map(flagged("--target"));
        let mut all = target.chain(self.exclude.iter().map(flagged("--exclude")));
        match all.find(|(_, pattern)| !pattern.has_matched) {
            Some((flag, Pattern { text, glob: _, has_matched: _ })) => {
                Err(ScopeError::MatchesNothing { flag, pattern: text.clone() })
            }
            None => Ok(()),
        }
    }

    /// Returns whether the scope is all rooms.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        let Self { target, exclude } = self;
        target.is_empty() && exclude.is_empty()
    }

    /// Returns whether a room is in the scope.
    #[must_use]
    pub fn selects(&self, address: &Address) -> bool {
        if self.is_everything() {
            return true;
        }
        let Self { target, exclude } = self;
        let address = address.to_string();
        let is_exact = |patterns: &[Pattern]| patterns.iter().any(|it| it.is_exactly(&address));
        let is_match = |patterns: &[Pattern]| patterns.iter().any(|it| it.is_glob_of(&address));
        match (is_exact(exclude), is_exact(target), is_match(exclude)) {
            (true, _, _) | (false, false, true) => false,
            (false, true, _) => true,
            (false, false, false) => target.is_empty() || is_match(target),
        }
    }

    /// Returns the scope with the counts of its rooms, or `None` if it is all rooms.
    #[must_use]
    pub fn partial(&self, rooms: u64, of: u64) -> Option<Partial> {
        let texts = |patterns: &[Pattern]| patterns.iter().map(|it| it.text.clone()).collect();
        let Self { target, exclude } = self;
        let (target, exclude) = (texts(target), texts(exclude));
        (!self.is_everything()).then_some(Partial { target, exclude, rooms, of })
    }

    /// Returns the scope with the count of these rooms in it, or `None` if it is all rooms.
    #[must_use]
    pub fn partial_of<'a>(&self, rooms: impl Iterator<Item = &'a Address>) -> Option<Partial> {
        if self.is_everything() {
            return None;
        }
        let (mut selected, mut all) = (0, 0);
        for room in rooms {
            all += 1;
            selected += u64::from(self.selects(room));
        }
        self.partial(selected, all)
    }

    /// Encodes the patterns, independent of their order.
    pub fn encode(&self, encoder: &mut DigestEncoder) {
        let Self { target, exclude } = self;
        for patterns in [target, exclude] {
            let mut texts: Vec<&str> = patterns.iter().map(|it| it.text.as_str()).collect();
            texts.sort_unstable();
            texts.dedup();
            encoder.list(texts.into_iter(), DigestEncoder::text);
        }
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, ScopeError> {
        let glob = if text.contains(['*', '?', '[', '{']) {
            let invalid = |error: globset::Error| ScopeError::Glob {
                pattern: text.to_owned(),
                why: error.kind().to_string(),
            };
            Some(Glob::new(text).map_err(invalid)?.compile_matcher())
        } else {
            text.parse::<Address>()?;
            None
        };
        Ok(Self { text: text.to_owned(), glob, has_matched: false })
    }

    fn match_room(&mut self, room: &str) {
        if self.text == room {
            (self.glob, self.has_matched) = (None, true);
        } else if !self.has_matched {
            self.has_matched = self.is_glob_of(room);
        }
    }

    fn is_exactly(&self, room: &str) -> bool {
        self.glob.is_none() && self.text == room
    }

    fn is_glob_of(&self, room: &str) -> bool {
        self.glob.as_ref().is_some_and(|glob| glob.is_match(room))
    }
}

impl fmt::Display for Partial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target: _, exclude: _, rooms, of } = self;
        write!(f, "Partial: {rooms} of {of} rooms")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOMS: &[&str] = &["chat/a", "chat/a1", "chat/a[1]", "chat/b/c", "video/a"];

    fn rooms() -> Vec<Address> {
        ROOMS.iter().map(|room| room.parse().expect("an address")).collect()
    }

    fn scope(target: &[&str], exclude: &[&str]) -> Scope {
        let texts = |texts: &[&str]| texts.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        Scope::parse(&texts(target), &texts(exclude)).expect("a scope").matched(&rooms())
    }

    fn selected(target: &[&str], exclude: &[&str]) -> Vec<String> {
        let scope = scope(target, exclude);
        scope.check().expect("every pattern matches");
        let rooms = rooms().into_iter().filter(|room| scope.selects(room));
        rooms.map(|room| room.to_string()).collect()
    }

    #[test]
    fn an_exact_address_overrides_a_glob() {
        assert_eq!(selected(&[], &[]), ROOMS);
        assert_eq!(selected(&["chat/*"], &["chat/a"]), ["chat/a1", "chat/a[1]", "chat/b/c"]);
        assert_eq!(selected(&["chat/a"], &["chat/*"]), ["chat/a"]);
        assert_eq!(selected(&[], &["chat/*"]), ["video/a"]);
        assert_eq!(selected(&["chat/a"], &["chat/a"]), [""; 0]);
        assert_eq!(selected(&["chat/a[1]"], &[]), ["chat/a[1]"], "the room, not the glob");
        assert_eq!(selected(&["chat/a[1-2]", "video/*"], &[]), ["chat/a1", "video/a"]);
    }

    #[test]
    fn a_pattern_that_matches_nothing_is_refused() {
        let error = scope(&["chat/*"], &["chat/x"]).check().expect_err("no such room");
        assert!(error.to_string().starts_with("`--exclude chat/x` matches no room"), "{error}");
        for pattern in ["lobby", "chat/[", ""] {
            assert!(Scope::parse(&[pattern.to_owned()], &[]).is_err(), "{pattern}");
        }
    }
}
