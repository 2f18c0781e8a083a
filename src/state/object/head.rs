//! The head of a state: journal and lease in one object.
//!
//! ```text
//! {"version":2,"write_id":"…","lineage":"…","epoch":3,"lease_seconds":60,"holder":{…},"state":{…},"base":12,"entries":2,"crc32":"…"}
//! {"n":13,"synced":12,"entry":{"intent":{…}},"crc32":"…"}
//! {"n":14,"synced":13,"entry":{"result":{…}},"crc32":"…"}
//! ```
//!
//! An object is written whole or not at all: whatever does not fit was damaged later.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::model::{Holder, Lineage};
use crate::state::format::{ParseError, StateWrite, VERSION, sniff};
use crate::state::lease::Released;
use crate::state::overlay::Overlay;
use crate::state::{Entry, LastCalls, journal};

/// Who may write the state, and what is not in it yet.
#[derive(Clone, Debug)]
pub(super) struct Head {
    /// The lineage of the state.
    pub(super) lineage: Lineage,
    /// The whole record that is being written in place of the state.
    pub(super) replacement: Option<Replacement>,
    /// Raised by each takeover.
    pub(super) epoch: u64,
    /// How long the lease holds without a renewal.
    pub(super) lease: Duration,
    /// Who took it.
    pub(super) holder: Holder,
    /// How it was released; `None` while it is held.
    pub(super) released: Option<Released>,
    /// The write of the state that the journal builds on; `None` before the first.
    pub(super) state: Option<StateRef>,
    /// The journal.
    pub(super) journal: Lines,
    /// When the last calls were, by the last run that ended cleanly.
    pub(super) last_calls: LastCalls,
    /// Whether a run since may have made calls that it did not name: it ended uncleanly.
    pub(super) unknown_calls: bool,
}

/// A write of the state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(super) struct StateRef {
    /// Tells it from all others.
    pub(super) write_id: String,
    /// The epoch of its holder.
    pub(super) epoch: u64,
}

/// A write of the state that is in progress, of a record that may be of another lineage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(super) struct Replacement {
    /// Tells the write from all others.
    pub(super) write_id: String,
    /// The lineage of the record.
    pub(super) lineage: Lineage,
}

/// The entries that the state does not hold yet, as their lines. They are numbered, and a number is never
/// used again.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines {
    /// The number of the last entry that the state holds.
    base: u64,
    entries: VecDeque<Bytes>,
    bytes: usize,
}

/// A head as it was read.
#[derive(Debug)]
pub(super) struct ReadHead {
    /// The head.
    pub(super) head: Head,
    /// The entries of its journal.
    pub(super) entries: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct HeadLine<'a> {
    version: u64,
    write_id: Cow<'a, str>,
    lineage: Cow<'a, Lineage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replacement: Option<Cow<'a, Replacement>>,
    epoch: u64,
    lease_seconds: u64,
    holder: Cow<'a, Holder>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    released: Option<Released>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<Cow<'a, StateRef>>,
    base: u64,
    entries: u64,
    #[serde(default, skip_serializing_if = "is_empty")]
    last_calls: Cow<'a, LastCalls>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unknown_calls: bool,
    #[serde(default, rename = "crc32", skip_serializing)]
    _checksum: IgnoredAny,
}

impl StateRef {
    /// Names a write.
    pub(super) fn of(write: &StateWrite) -> Self {
        let StateWrite { write_id, epoch, up_to: _ } = write;
        Self { write_id: write_id.clone(), epoch: *epoch }
    }
}

impl Head {
    /// Reads a head from its text.
    pub(super) fn parse(text: &Bytes) -> Result<ReadHead, ParseError> {
        let mut lines = text.split_inclusive(|byte| *byte == b'\n').enumerate();
        let Some((_, first)) = lines.next() else { return Err(damaged("it is empty")) };
        if let Err(newer @ ParseError::Newer(_)) = sniff(first) {
            return Err(newer);
        }
        let HeadLine {
            version: _,
            write_id: _,
            lineage,
            replacement,
            epoch,
            lease_seconds,
            holder,
            released,
            state,
            base,
            entries: count,
            last_calls,
            unknown_calls,
            _checksum,
        } = journal::unsealed(first, 1)?;
        let mut journal = Lines { base, entries: VecDeque::new(), bytes: 0 };
        let mut entries = Vec::new();
        for (at, line) in lines {
            entries.push(journal::entry(line, journal.last() + 1, at + 1)?);
            journal.push_line(text.slice_ref(line));
        }
        if entries.len() as u64 != count {
            return Err(damaged("entries are missing at its end"));
        }
        let head = Self {
            lineage: lineage.into_owned(),
            replacement: replacement.map(Cow::into_owned),
            epoch,
            lease: Duration::from_secs(lease_seconds),
            holder: holder.into_owned(),
            released,
            state: state.map(Cow::into_owned),
            journal,
            last_calls: last_calls.into_owned(),
            unknown_calls,
        };
        Ok(ReadHead { head, entries })
    }

    /// The text of this head, as one write of it.
    pub(super) fn text(&self, write_id: &str) -> Result<Bytes, serde_json::Error> {
        let Self {
            lineage,
            replacement,
            epoch,
            lease,
            holder,
            released,
            state,
            journal,
            last_calls,
            unknown_calls,
        } = self;
        let mut text = journal::sealed(&HeadLine {
            version: VERSION,
            write_id: Cow::Borrowed(write_id),
            lineage: Cow::Borrowed(lineage),
            replacement: replacement.as_ref().map(Cow::Borrowed),
            epoch: *epoch,
            lease_seconds: lease.as_secs(),
            holder: Cow::Borrowed(holder),
            released: *released,
            state: state.as_ref().map(Cow::Borrowed),
            base: journal.base,
            entries: journal.entries.len() as u64,
            last_calls: Cow::Borrowed(last_calls),
            unknown_calls: *unknown_calls,
            _checksum: IgnoredAny,
        })?;
        text.reserve(journal.bytes);
        journal.entries.iter().for_each(|line| text.extend_from_slice(line));
        Ok(text.into())
    }
}

impl Head {
    /// Takes up the result of a replacement that a crash has cut short: the state that was read shows
    /// whether it was written.
    pub(super) fn settle_replacement(&mut self, written: Option<&str>) {
        if let Some(Replacement { write_id, lineage }) = self.replacement.take()
            && written == Some(write_id.as_str())
        {
            self.lineage = lineage;
        }
    }
}

impl Lines {
    /// An empty journal of a state that holds the entries up to a number.
    pub(super) fn beginning_after(base: u64) -> Self {
        Self { base, ..Self::default() }
    }

    /// Adds an entry, by its text.
    pub(super) fn push(&mut self, body: &[u8]) {
        let (mut line, n) = (Vec::with_capacity(body.len() + 64), self.last() + 1);
        journal::seal(&mut line, n, n - 1, body);
        self.push_line(line.into());
    }

    fn push_line(&mut self, line: Bytes) {
        self.bytes += line.len();
        self.entries.push_back(line);
    }

    /// Drops the entries up to a number: the state holds them.
    pub(super) fn drop_up_to(&mut self, folded: u64) {
        while self.base < folded
            && let Some(line) = self.entries.pop_front()
        {
            self.bytes -= line.len();
            self.base += 1;
        }
    }

    /// Returns the number of the last entry that the state holds.
    pub(super) fn base(&self) -> u64 {
        self.base
    }

    /// Returns the number of the last entry.
    pub(super) fn last(&self) -> u64 {
        self.base + self.entries.len() as u64
    }

    /// Returns how large the journal is.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl ReadHead {
    /// What the journal changes in a state that holds its entries up to `folded`.
    pub(super) fn changes(&self, folded: u64) -> Overlay {
        let held = folded.saturating_sub(self.head.journal.base);
        let mut overlay = Overlay::default();
        for entry in self.entries.iter().skip(usize::try_from(held).unwrap_or(usize::MAX)) {
            overlay.add(entry.clone());
        }
        overlay
    }
}

fn damaged(what: &str) -> ParseError {
    ParseError::Damaged { line: 1, column: 1, what: what.to_owned() }
}

fn is_empty(last_calls: &LastCalls) -> bool {
    last_calls.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;
    use crate::state::samples::named;

    fn head() -> Head {
        let holder = Holder {
            pid: 7,
            host: "desk".to_owned(),
            user: "ada".to_owned(),
            command: "roomctl apply".to_owned(),
            time: Timestamp::from_millis(1_700_000_000_000),
        };
        Head {
            lineage: Lineage("it".to_owned()),
            replacement: None,
            epoch: 3,
            lease: Duration::from_mins(1),
            holder,
            released: None,
            state: Some(StateRef { write_id: "w".to_owned(), epoch: 2 }),
            journal: Lines { base: 12, ..Lines::default() },
            last_calls: LastCalls::new(),
            unknown_calls: false,
        }
    }

    fn with_entries(names: &[&str]) -> Head {
        let mut head = head();
        for name in names {
            head.journal.push(&journal::body(&named(name, name)).expect("a body"));
        }
        head
    }

    #[test]
    fn what_is_written_is_read_again() {
        let head = with_entries(&["chat/a", "chat/b"]);
        let text = head.text("id").expect("a text");
        let ReadHead { head: read, entries } = Head::parse(&text).expect("a head");
        assert_eq!(read.text("id").expect("a text"), text);
        assert_eq!(entries, [named("chat/a", "chat/a"), named("chat/b", "chat/b")]);
        assert_eq!((read.journal.base(), read.journal.last()), (12, 14));
        assert_ne!(head.text("other").expect("a text"), text, "no two writes have equal bytes");
    }

    #[test]
    fn entries_that_the_state_holds_are_dropped_and_never_applied_again() {
        let text = with_entries(&["chat/a", "chat/b", "chat/c"]).text("id").expect("a text");
        let mut read = Head::parse(&text).expect("a head");
        let changed = |overlay: &Overlay| overlay.entries().collect::<Vec<_>>();
        assert_eq!(changed(&read.changes(13)).len(), 2);
        assert!(read.changes(15).is_empty());
        read.head.journal.drop_up_to(14);
        assert_eq!((read.head.journal.base(), read.head.journal.last()), (14, 15));
        let again = Head::parse(&read.head.text("id").expect("a text")).expect("a head");
        assert_eq!(again.entries, [named("chat/c", "chat/c")]);
    }

    #[test]
    fn damage_is_found_wherever_it_is() {
        let text = with_entries(&["chat/a", "chat/b"]).text("id").expect("a text");
        let ends =
            text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
        for end in ends.take(2).chain([0, 10, text.len() - 1]) {
            Head::parse(&text.slice(..end)).expect_err("cut");
        }
        for at in (0..text.len()).step_by(7) {
            let mut bytes = text.to_vec();
            bytes[at] ^= 1;
            Head::parse(&bytes.into()).expect_err("a bit is wrong");
        }
    }

    #[test]
    fn a_newer_version_is_named() {
        let text = Bytes::from_static(b"{\"version\":9,\"other\":1}\n");
        assert!(matches!(Head::parse(&text), Err(ParseError::Newer(9))));
    }
}
