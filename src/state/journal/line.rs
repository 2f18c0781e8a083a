//! One line of a journal: its JSON, sealed with a checksum.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::model::{Address, Holder, Lineage, ProviderName};

use super::super::Entry;
use super::super::format::{IdentityText, Names, OLDEST, ParseError, RecordText, VERSION};

/// The first line: the journal's id, the state that it builds on, and the holder that writes it.
#[derive(Clone, Debug, Serialize)]
pub(in crate::state) struct Head {
    pub(super) version: u64,
    /// The id of the journal.
    pub(in crate::state) journal: String,
    /// The lineage of the state that it builds on.
    pub(in crate::state) lineage: Lineage,
    /// The serial of the state that it builds on.
    pub(in crate::state) serial: u64,
    /// The holder that writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::state) holder: Option<Holder>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct HeadLine {
    version: u64,
    journal: String,
    lineage: Lineage,
    serial: u64,
    /// Absent in version 1.
    #[serde(default)]
    holder: Option<Holder>,
    #[serde(rename = "crc32")]
    _checksum: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct EntryLine<'a> {
    n: u64,
    synced: u64,
    #[serde(borrow)]
    entry: EntryText<'a>,
    #[serde(rename = "crc32")]
    _checksum: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct SyncedText {
    synced: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", expecting = "an entry")]
enum EntryText<'a> {
    #[serde(borrow)]
    Intent(RoomText<'a>),
    #[serde(borrow)]
    Result(RoomText<'a>),
    Removed(Cow<'a, Address>),
    Provider(ProviderText<'a>),
    ProviderRemoved(Cow<'a, ProviderName>),
    PlanCarriedOut(Cow<'a, str>),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct RoomText<'a> {
    address: Cow<'a, Address>,
    #[serde(borrow)]
    record: RecordText<'a>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct ProviderText<'a> {
    name: Cow<'a, ProviderName>,
    #[serde(borrow)]
    identity: IdentityText<'a>,
}

/// An error in a line.
#[derive(Debug)]
pub(super) struct Flaw {
    column: usize,
    what: String,
}

/// The separator of a line's text and its checksum.
const SEAL: &[u8] = b",\"crc32\":\"";
/// The end of a line.
const END: &[u8] = b"\"}\n";
/// The hex digits of a checksum.
const DIGITS: usize = 8;

impl Head {
    /// Creates the head of a journal.
    pub(in crate::state) fn new(
        journal: String,
        lineage: Lineage,
        serial: u64,
        holder: Option<Holder>,
    ) -> Self {
        Self { version: VERSION, journal, lineage, serial, holder }
    }

    /// Returns its sealed line.
    pub(in crate::state) fn line(&self) -> Result<Vec<u8>, serde_json::Error> {
        sealed(self)
    }
}

/// Returns the sealed line of an object.
pub(in crate::state) fn sealed(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut line = serde_json::to_vec(value)?;
    close(&mut line, 0);
    Ok(line)
}

/// Returns the text of an entry, the input of [`seal`].
pub(in crate::state) fn body(entry: &Entry) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&EntryText::of(entry))
}

/// Parses the text of an entry.
#[cfg(feature = "postgres")]
pub(in crate::state) fn parse_body(body: &[u8]) -> Result<Entry, serde_json::Error> {
    serde_json::from_slice(body).map(EntryText::into_entry)
}

/// Appends the line of entry `n` to `lines`.
pub(in crate::state) fn seal(lines: &mut Vec<u8>, n: u64, synced: u64, body: &[u8]) {
    let start = lines.len();
    lines.extend_from_slice(format!("{{\"n\":{n},\"synced\":{synced},\"entry\":").as_bytes());
    lines.extend_from_slice(body);
    lines.push(b'}');
    close(lines, start);
}

/// Inserts the checksum before the closing brace of the object that starts at `start`.
fn close(lines: &mut Vec<u8>, start: usize) {
    lines.pop();
    let checksum = crc32fast::hash(&lines[start..]);
    lines.extend_from_slice(SEAL);
    lines.extend_from_slice(format!("{checksum:08x}").as_bytes());
    lines.extend_from_slice(END);
}

/// Parses the first line.
pub(super) fn head(line: &[u8]) -> Result<Head, Flaw> {
    let HeadLine { version, journal, lineage, serial, holder, _checksum } = open(line)?;
    if !(OLDEST..=VERSION).contains(&version) {
        return Err(Flaw { column: 1, what: format!("format version {version} is unknown") });
    }
    Ok(Head { version, journal, lineage, serial, holder })
}

/// Parses the line of entry `n`.
pub(super) fn entry(line: &[u8], n: u64) -> Result<Entry, Flaw> {
    let EntryLine { n: found, synced, entry, _checksum } = open(line)?;
    if found != n || synced >= n {
        let what = format!(
            "expected entry {n} of the journal, found entry {found}: lines were removed or inserted"
        );
        return Err(Flaw { column: 1, what });
    }
    Ok(entry.into_entry())
}

/// Parses the line of an entry with any number.
pub(super) fn any_entry(line: &[u8]) -> Result<Entry, Flaw> {
    let EntryLine { n: _, synced: _, entry, _checksum } = open(line)?;
    Ok(entry.into_entry())
}

/// Returns how many entries were durable when the line was written; `None` if the line is
/// incomplete.
pub(super) fn synced(line: &[u8]) -> Option<u64> {
    open(line).ok().map(|SyncedText { synced }| synced)
}

/// Verifies the checksum of a line, and parses the line.
pub(super) fn open<'a, T: Deserialize<'a>>(line: &'a [u8]) -> Result<T, Flaw> {
    let sealed = line.strip_suffix(END).and_then(|line| line.split_last_chunk::<DIGITS>());
    let Some((text, digits)) = sealed.and_then(|(text, d)| Some((text.strip_suffix(SEAL)?, d)))
    else {
        return Err(Flaw { column: 1, what: "the line does not end with its checksum".to_owned() });
    };
    if format!("{:08x}", crc32fast::hash(text)).as_bytes() != digits {
        let what = "the line does not match its checksum".to_owned();
        return Err(Flaw { column: text.len() + SEAL.len() + 1, what });
    }
    serde_json::from_slice(line)
        .map_err(|e| Flaw { column: e.column().max(1), what: e.to_string() })
}

impl Flaw {
    /// Adds the line number, from 1.
    pub(super) fn at(self, line: usize) -> ParseError {
        let Self { column, what } = self;
        ParseError::Damaged { line, column, what }
    }
}

impl<'a> EntryText<'a> {
    fn of(entry: &'a Entry) -> Self {
        let room = |address, record| RoomText {
            address: Cow::Borrowed(address),
            record: RecordText::of(record),
        };
        match entry {
            Entry::Intent(address, record) => Self::Intent(room(address, record)),
            Entry::Result(address, record) => Self::Result(room(address, record)),
            Entry::Removed(address) => Self::Removed(Cow::Borrowed(address)),
            Entry::Provider(name, identity) => Self::Provider(ProviderText {
                name: Cow::Borrowed(name),
                identity: IdentityText::of(identity),
            }),
            Entry::ProviderRemoved(name) => Self::ProviderRemoved(Cow::Borrowed(name)),
            Entry::PlanCarriedOut(id) => Self::PlanCarriedOut(Cow::Borrowed(id)),
        }
    }

    fn into_entry(self) -> Entry {
        let room = |RoomText { address, record }: RoomText<'a>| {
            (address.into_owned(), record.into_record(&mut Names::default()))
        };
        match self {
            Self::Intent(text) => {
                let (address, record) = room(text);
                Entry::Intent(address, record)
            }
            Self::Result(text) => {
                let (address, record) = room(text);
                Entry::Result(address, record)
            }
            Self::Removed(address) => Entry::Removed(address.into_owned()),
            Self::Provider(ProviderText { name, identity }) => {
                Entry::Provider(name.into_owned(), identity.into_identity())
            }
            Self::ProviderRemoved(name) => Entry::ProviderRemoved(name.into_owned()),
            Self::PlanCarriedOut(id) => Entry::PlanCarriedOut(id.into_owned()),
        }
    }
}
