//! The document as a whole, in any layout. This parser decides what is damaged.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::{
    Address, EMULATOR_HOST, Kind, Lineage, ProviderIdentity, ProviderName, Recorded, RecordedRoom,
};

use super::record::{Names, RecordText, Text};
use super::{
    Document, Fingerprint, Head, LastFold, OLDEST, ParseError, StateWrite, VERSION, checksum,
};

/// Everything before the rooms, and the rooms if the document is read as a whole.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(super) struct DocumentText<'a> {
    pub(super) version: u64,
    pub(super) lineage: Cow<'a, Lineage>,
    pub(super) serial: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    write_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    epoch: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    folded: Option<FoldedText>,
    #[serde(serialize_with = "identities", deserialize_with = "providers")]
    pub(super) providers: BTreeMap<ProviderName, ProviderIdentity>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) plans: Vec<String>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    moved_to: Option<Cow<'a, str>>,
    #[serde(skip_serializing)]
    rooms: Rooms,
    #[serde(borrow, default, skip_serializing)]
    checksum: Option<Cow<'a, str>>,
}

/// The id of a file's journal, or the number of a head's entry.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "a journal id or an entry number")]
enum FoldedText {
    Journal(String),
    Entry(u64),
}

/// The rooms, without duplicate addresses.
#[derive(Default)]
struct Rooms(BTreeMap<Address, RecordedRoom>);

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct VersionText {
    version: u64,
}

/// Checks the version before the rest is parsed, since another version may have other fields.
pub(in crate::state) fn sniff(text: &[u8]) -> Result<(), ParseError> {
    let VersionText { version } = serde_json::from_slice(text).map_err(|e| ParseError::of(&e))?;
    match version {
        OLDEST..=VERSION => Ok(()),
        0 => Err(ParseError::Damaged { line: 1, column: 1, what: "there is no version 0".into() }),
        newer => Err(ParseError::Newer(newer)),
    }
}

/// Reads a document as a whole.
pub(super) fn read(text: &[u8]) -> Result<Document, ParseError> {
    let (document, checksum) = read_unsealed(text)?;
    match (document.version, checksum) {
        (OLDEST, Checksum::Missing) => {}
        (OLDEST, Checksum::Present) => {
            return Err(ParseError::Checksum("it has a checksum, which version 1 does not have"));
        }
        (_, Checksum::Missing) => return Err(ParseError::Checksum("its checksum is missing")),
        (_, Checksum::Present) => checksum::check(text)?,
    }
    Ok(document)
}

/// Whether a document has a checksum, right or wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::state) enum Checksum {
    /// It has one.
    Present,
    /// It has none.
    Missing,
}

/// Reads a document without verifying its checksum: it may have been edited by hand.
pub(in crate::state) fn read_unsealed(text: &[u8]) -> Result<(Document, Checksum), ParseError> {
    parsed(text).map_err(|error| match (error, checksum::conflict(text)) {
        (ParseError::Damaged { .. }, Some(line)) => ParseError::Conflict { line },
        (error, _) => error,
    })
}

fn parsed(text: &[u8]) -> Result<(Document, Checksum), ParseError> {
    if text.trim_ascii().is_empty() {
        let what = "the file is empty, which a state never is".to_owned();
        return Err(ParseError::Damaged { line: 1, column: 1, what });
    }
    sniff(text)?;
    let document: DocumentText<'_> =
        serde_json::from_slice(text).map_err(|e| ParseError::of(&e))?;
    let fingerprint = Fingerprint::of(text)?;
    let checksum = if document.checksum.is_some() { Checksum::Present } else { Checksum::Missing };
    Ok((document.into_document(fingerprint), checksum))
}

impl<'a> DocumentText<'a> {
    /// Creates the text of a head. The rooms follow it.
    pub(super) fn of(head: Head<'a>) -> Self {
        let Head { lineage, serial, folded, providers, plans, moved_to } = head;
        let (write_id, epoch, folded) = match folded {
            LastFold::Nothing => (None, None, None),
            LastFold::Journal(id) => (None, None, Some(FoldedText::Journal(id))),
            LastFold::Entries(StateWrite { write_id, epoch, up_to }) => {
                (Some(write_id), Some(epoch), Some(FoldedText::Entry(up_to)))
            }
        };
        Self {
            version: VERSION,
            lineage: Cow::Borrowed(lineage),
            serial,
            write_id,
            epoch,
            folded,
            providers,
            plans,
            moved_to: moved_to.map(Cow::Borrowed),
            rooms: Rooms::default(),
            checksum: None,
        }
    }

    pub(super) fn into_document(self, fingerprint: Fingerprint) -> Document {
        let Self {
            version,
            lineage,
            serial,
            write_id,
            epoch,
            folded,
            providers,
            plans,
            moved_to,
            rooms: Rooms(rooms),
            checksum: _,
        } = self;
        let lineage = Some(lineage.into_owned());
        let moved_to = moved_to.map(|to| to.into_owned().into());
        Document {
            version,
            recorded: Recorded { lineage, serial, providers, rooms, plans, moved_to },
            folded: match (folded, write_id, epoch) {
                (Some(FoldedText::Journal(id)), None, None) => LastFold::Journal(id),
                (Some(FoldedText::Entry(up_to)), Some(write_id), Some(epoch)) => {
                    LastFold::Entries(StateWrite { write_id, epoch, up_to })
                }
                (Some(_) | None, _, _) => LastFold::Nothing,
            },
            fingerprint,
        }
    }
}

/// Reads the next room of a map. `known` returns whether an address occurred before.
pub(super) fn next_room<'de, A: MapAccess<'de>>(
    map: &mut A,
    names: &mut Names,
    known: impl Fn(&Address) -> bool,
) -> Result<Option<(Address, RecordedRoom)>, A::Error> {
    let Some(key) = map.next_key::<Text<'de>>()? else { return Ok(None) };
    let address = names.address(&key.0).map_err(A::Error::custom)?;
    // Checked before the value is read, so that the error has the position of the address.
    if known(&address) {
        return Err(A::Error::custom(format_args!("duplicate room `{address}`")));
    }
    let record = map.next_value::<RecordText<'de>>()?.into_record(names);
    Ok(Some((address, record)))
}

impl<'de> Deserialize<'de> for Rooms {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Rooms;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of rooms")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Rooms, A::Error> {
                let (mut rooms, mut names) = (BTreeMap::new(), Names::default());
                while let Some((address, record)) =
                    next_room(&mut map, &mut names, |address| rooms.contains_key(address))?
                {
                    rooms.insert(address, record);
                }
                Ok(Rooms(rooms))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

/// The application of a provider.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(in crate::state) struct IdentityText<'a> {
    kind: Kind,
    app_id: u32,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    host: Option<Cow<'a, str>>,
    /// Format version 1 has this field instead of the host.
    #[serde(default, skip_serializing)]
    emulated: bool,
}

impl<'a> IdentityText<'a> {
    /// Creates the text of an identity.
    pub(in crate::state) fn of(identity: &'a ProviderIdentity) -> Self {
        let ProviderIdentity { kind, app_id, host } = identity;
        let host = host.as_deref().map(Cow::Borrowed);
        Self { kind: *kind, app_id: *app_id, host, emulated: false }
    }

    /// Converts the text to an identity.
    pub(in crate::state) fn into_identity(self) -> ProviderIdentity {
        let Self { kind, app_id, host, emulated } = self;
        let host = host.map(Into::into);
        ProviderIdentity { kind, app_id, host: host.or(emulated.then(|| EMULATOR_HOST.into())) }
    }
}

fn identities<S: Serializer>(
    providers: &BTreeMap<ProviderName, ProviderIdentity>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(providers.iter().map(|(name, it)| (name, IdentityText::of(it))))
}

fn providers<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<ProviderName, ProviderIdentity>, D::Error> {
    struct Each;
    impl<'de> Visitor<'de> for Each {
        type Value = BTreeMap<ProviderName, ProviderIdentity>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map of providers")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut all = BTreeMap::new();
            while let Some(name) = map.next_key()? {
                if all.contains_key(&name) {
                    return Err(A::Error::custom(format_args!("duplicate provider `{name}`")));
                }
                all.insert(name, map.next_value::<IdentityText<'de>>()?.into_identity());
            }
            Ok(all)
        }
    }
    deserializer.deserialize_map(Each)
}
