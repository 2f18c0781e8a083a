//! The document of a state in an object store. It is written whole, with the folded entries.

use std::io::Write as _;
use std::path::Path;

use bytes::Bytes;

use crate::model::{Lineage, Recorded};
use crate::state::format::{self, Document, LastFold, SharedRooms, StateWrite};
use crate::state::overlay::Overlay;
use crate::state::{StateError, random_uuid};

use super::bucket::Bucket;
use super::head::{Head, Replacement, StateRef};
use super::objects::{Name, Object, Version};

/// A state as it was read.
#[derive(Debug)]
pub(super) struct ReadState {
    /// The record, without the entries of the head.
    pub(super) recorded: Recorded,
    /// The write that created it.
    pub(super) write: StateWrite,
    /// The version of the object.
    pub(super) version: Version,
}

/// The next state, before it is written.
pub(super) struct NextState {
    /// The write.
    pub(super) write: StateWrite,
    /// The serial.
    pub(super) serial: u64,
    /// Its text.
    pub(super) bytes: Bytes,
}

impl ReadState {
    /// Parses a document.
    pub(super) async fn parse(
        bucket: &Bucket,
        object: Object,
        shared: &SharedRooms,
    ) -> Result<Self, StateError> {
        let Object { bytes, version, age: _ } = object;
        let (location, shared) = (bucket.location.clone(), shared.clone());
        let parsed =
            tokio::task::spawn_blocking(move || format::read_sharing(|| Ok(&bytes[..]), &shared));
        let document = match parsed.await {
            Ok(Ok(document)) => document,
            Ok(Err(error)) => return Err(StateError::parse(Path::new(&location), error, fix)),
            Err(_) => return Err(StateError::Stopped { location }),
        };
        let Document { version: _, recorded, folded, fingerprint: _ } = document;
        match folded {
            LastFold::Entries(write) => Ok(Self { recorded, write, version }),
            LastFold::Nothing | LastFold::Journal(_) => {
                Err(bucket.outdated("it is a state file that was copied into the store"))
            }
        }
    }

    /// Returns the reference to this write in a head.
    pub(super) fn reference(&self) -> StateRef {
        StateRef::of(&self.write)
    }

    /// Returns whether it is a later write than the one that a head references: a fold that the
    /// head does not contain yet.
    fn is_after(&self, head: &Head, named: Option<&StateRef>) -> bool {
        let StateWrite { write_id: _, epoch, up_to } = &self.write;
        let (named, base) = (named.map_or(0, |named| named.epoch), head.journal.base());
        *epoch >= named && *up_to >= base && (*epoch > named || *up_to > base)
    }
}

/// Checks that a head and a state belong together.
///
/// # Errors
/// Returns [`StateError::Outdated`] if one of them is older than the other requires.
pub(super) fn check(
    bucket: &Bucket,
    head: &Head,
    state: Option<&ReadState>,
) -> Result<(), StateError> {
    let outdated = |why: &str| Err(bucket.outdated(why));
    let Some(state) = state else {
        return match &head.state {
            None => Ok(()),
            Some(_) => outdated("its journal names a state, and the object is missing"),
        };
    };
    let is_replacement = |next: &Replacement| {
        next.write_id == state.write.write_id
            && Some(&next.lineage) == state.recorded.lineage.as_ref()
    };
    if head.replacement.as_ref().is_some_and(is_replacement) {
        return Ok(());
    }
    if state.recorded.lineage.as_ref() != Some(&head.lineage) {
        return outdated("state and journal are of different lineages");
    }
    if state.write.up_to > head.journal.last() {
        return outdated("its journal lacks entries that the state contains");
    }
    let named = head.state.as_ref();
    if named == Some(&state.reference()) || state.is_after(head, named) {
        return Ok(());
    }
    outdated("the state is older than the one that its journal builds on")
}

impl NextState {
    /// Serializes the next state: `base` with `changes`, which contain the entries up to `up_to`.
    pub(super) async fn of(
        bucket: &Bucket,
        lineage: Lineage,
        base: std::sync::Arc<Recorded>,
        changes: Overlay,
        (serial, epoch, up_to): (u64, u64, u64),
    ) -> Result<Self, StateError> {
        let location = bucket.location.clone();
        let named = location.clone();
        let made = tokio::task::spawn_blocking(move || {
            let write = StateWrite { write_id: random_uuid()?, epoch, up_to };
            let folded = LastFold::Entries(write.clone());
            let (providers, plans) = (changes.providers(&base), changes.plans(&base));
            let moved_to = base.moved_to.as_deref();
            let head =
                format::Head { lineage: &lineage, serial, folded, providers, plans, moved_to };
            let mut text = Vec::new();
            format::write(head, changes.rooms(&base), |bytes| text.write_all(bytes))?;
            Ok((write, text))
        });
        match made.await {
            Ok(Ok((write, text))) => Ok(Self { write, serial, bytes: text.into() }),
            Ok(Err(error)) => Err(StateError::io("write", Path::new(&named))(error)),
            Err(_) => Err(StateError::Stopped { location }),
        }
    }

    /// Returns the reference to this write in a head.
    pub(super) fn reference(&self) -> StateRef {
        StateRef::of(&self.write)
    }
}

/// Reads the state; `None` if there is none.
pub(super) async fn read(
    bucket: &Bucket,
    shared: &SharedRooms,
) -> Result<Option<ReadState>, StateError> {
    match bucket.get(&Name::State).await? {
        Some(object) => ReadState::parse(bucket, object, shared).await.map(Some),
        None => Ok(None),
    }
}

/// Returns the advice for a damaged object.
pub(super) fn fix(_: usize) -> String {
    "Restore the newest intact version of the object, if the bucket keeps versions; otherwise run `roomctl \
     state repair`, which keeps what can be read"
        .to_owned()
}
