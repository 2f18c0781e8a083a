//! The head of a state: journal and lease in one object.
//!
//! ```text
//! {"version":2,"write_id":"…","lineage":"…","epoch":3,"lease_seconds":60,"holder":{…},"state":{…},"base":12,"entries":2,"crc32":"…"}
//! {"n":13,"synced":12,"entry":{"intent":{…}},"crc32":"…"}
//! {"n":14,"synced":13,"entry":{"result":{…}},"crc32":"…"}
//! ```
//!
//! An object is written whole or not at all: a torn line is always damage.

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

/// The lease of a state, and the entries that the state does not contain yet.
#[derive(Clone, Debug)]
pub(super) struct Head {
    /// The lineage of the state.
    pub(super) lineage: Lineage,
    /// The replacement of the state that is in progress.
    pub(super) replacement: Option<Replacement>,
    /// The number of the takeover, raised by each one.
    pub(super) epoch: u64,
    /// The length of the lease: the time until it expires without a renewal.
    pub(super) lease: Duration,
    /// The holder that took it.
    pub(super) holder: Holder,
    /// How it was released; `None` while it is held.
    pub(super) released: Option<Released>,
    /// The write of the state that the journal builds on; `None` before the first one.
    pub(super) state: Option<StateRef>,
    /// The journal.
    pub(super) journal: Lines,
    /// When the last calls were, as recorded by the last run that ended cleanly.
    pub(super) last_calls: LastCalls,
    /// Whether a later run ended uncleanly and may have made calls that are not in `last_calls`.
    pub(super) unknown_calls: bool,
}

/// A write of the state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(super) struct StateRef {
    /// The unique id of the write.
    pub(super) write_id: String,
    /// The epoch of the lease under which it was made.
    pub(super) epoch: u64,
}

/// A replacement of the state in progress, by a record that may have another lineage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(super) struct Replacement {
    /// The unique id of the write.
    pub(super) write_id: String,
    /// The lineage of the record.
    pub(super) lineage: Lineage,
}

/// The lines of the entries that the state does not contain yet. They are numbered, and numbers are
/// never reused.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines {
    /// The number of the last entry that the state contains.
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
    /// References a write.
    pub(super) fn of(write: &StateWrite) -> Self {
        let StateWrite { write_id, epoch, up_to: _ } = write;
        Self { write_id: write_id.clone(), epoch: *epoch }
    }
}

impl Head {
    /// Parses a head.
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

    /// Serializes this head for the write with this id.
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
    /// Completes or drops a replacement that a crash interrupted. `written` is the write-id of the
    /// state that was read.
    pub(super) fn resolve_replacement(&mut self, written: Option<&str>) {
        if let Some(Replacement { write_id, lineage }) = self.replacement.take()
            && written == Some(write_id.as_str())
        {
            self.lineage = lineage;
        }
    }
}

impl Lines {
    /// Creates an empty journal of a state that contains the entries up to `base`.
    pub(super) fn starting_after(base: u64) -> Self {
        Self { base, ..Self::default() }
    }

    /// Appends an entry by its serialized text.
    pub(super) fn push(&mut self, body: &[u8]) {
        let (mut line, n) = (Vec::with_capacity(body.len() + 64), self.last() + 1);
        journal::seal(&mut line, n, n - 1, body);
        self.push_line(line.into());
    }

    fn push_line(&mut self, line: Bytes) {
        self.bytes += line.len();
        self.entries.push_back(line);
    }

    /// Drops the entries up to `folded`, which the state contains.
    pub(super) fn drop_up_to(&mut self, folded: u64) {
        while self.base < folded
            && let Some(line) = self.entries.pop_front()
        {
            self.bytes -= line.len();
            self.base += 1;
        }
    }

    /// Returns the number of the last entry that the state contains.
    pub(super) fn base(&self) -> u64 {
        self.base
    }

    /// Returns the number of the last entry.
    pub(super) fn last(&self) -> u64 {
        self.base + self.entries.len() as u64
    }

    /// Returns the size of the journal in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl ReadHead {
    /// Returns the changes of the journal to a state that contains its entries up to `folded`.
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
    fn a_head_round_trips() {
        let head = with_entries(&["chat/a", "chat/b"]);
        let text = head.text("id").expect("a text");
        let ReadHead { head: read, entries } = Head::parse(&text).expect("a head");
        assert_eq!(read.text("id").expect("a text"), text);
        assert_eq!(entries, [named("chat/a", "chat/a"), named("chat/b", "chat/b")]);
        assert_eq!((read.journal.base(), read.journal.last()), (12, 14));
        assert_ne!(head.text("other").expect("a text"), text, "no two writes have equal bytes");
    }

    #[test]
    fn folded_entries_are_dropped_and_not_applied_again() {
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
    fn damage_anywhere_is_detected() {
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
    fn a_newer_version_is_reported() {
        let text = Bytes::from_static(b"{\"version\":9,\"other\":1}\n");
        assert!(matches!(Head::parse(&text), Err(ParseError::Newer(9))));
    }
}
