//! An object store as the protocol uses it: whole objects, each write conditional on the version that
//! was read.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;

use crate::state::lease::RemoteError;

/// Reads and writes the objects of one state. Every request ends by itself: at most 5 s to connect, 10 s
/// in all, and a second more for each mebibyte after the first. Nothing is retried: what became of a write without an answer is for the caller to read.
pub(super) trait Objects: fmt::Debug + Send + Sync {
    /// Reads an object; `None` if there is none.
    fn get<'a>(&'a self, name: &'a Name) -> Request<'a, Option<Object>>;

    /// Writes an object, if its version is still as `condition` says. Stores that cache are told not to.
    fn put<'a>(
        &'a self,
        name: &'a Name,
        bytes: Bytes,
        condition: &'a Condition,
    ) -> Request<'a, Put>;

    /// Deletes an object.
    fn delete<'a>(&'a self, name: &'a Name) -> Request<'a, ()>;

    /// Returns how long to wait between two writes of one object, from sending to sending.
    fn write_interval(&self) -> Duration;

    /// Returns whether the last answer names a service that is known to heed conditions.
    fn is_known_to_be_sound(&self) -> bool;
}

/// The result of a request.
pub(super) type Request<'a, T> = Pin<Box<dyn Future<Output = Result<T, RemoteError>> + Send + 'a>>;

/// Which object of a state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    /// The state's document: `KEY`.
    State,
    /// The head, journal and lease in one: `KEY.journal`.
    Head,
    /// A probe of the store, with a random part: `KEY.probe-…`.
    Probe(String),
}

/// An object as it was read.
#[derive(Clone, Debug)]
pub(super) struct Object {
    /// Its content.
    pub(super) bytes: Bytes,
    /// Which version of it.
    pub(super) version: Version,
    /// How old that version is by the store's own clock: `Date` less `Last-Modified` of one answer;
    /// `None` if the answer did not say both.
    pub(super) age: Option<Duration>,
}

/// A version of an object: its `ETag`, or on Google Cloud Storage its generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version(pub(super) String);

/// What must be there for a write to succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// No object.
    Absent,
    /// This version of it.
    Version(Version),
}

/// The answer to a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// It is done; the version that it made.
    Done(Version),
    /// The condition did not hold.
    Refused,
}
