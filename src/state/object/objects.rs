//! An object store as the protocol uses it: whole objects, and writes that are conditional on the
//! version that was read.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;

use crate::state::lease::RemoteError;

/// Reads and writes the objects of one state. Every request has a time-out: 5 s to connect, and 10
/// s in all plus 1 s for each mebibyte after the first. Nothing is retried: the caller reads the
/// outcome of a write without an answer.
pub(super) trait Objects: fmt::Debug + Send + Sync {
    /// Reads an object; `None` if there is none.
    fn get<'a>(&'a self, name: &'a Name) -> Request<'a, Option<Object>>;

    /// Writes an object if `condition` holds. The write asks stores not to cache the object.
    fn put<'a>(
        &'a self,
        name: &'a Name,
        bytes: Bytes,
        condition: &'a Condition,
    ) -> Request<'a, Put>;

    /// Deletes an object.
    fn delete<'a>(&'a self, name: &'a Name) -> Request<'a, ()>;

    /// Returns the least time between two writes of one object, from sending to sending.
    fn write_interval(&self) -> Duration;

    /// Returns whether the last answer came from a service that is known to honour conditions.
    fn is_known_to_be_sound(&self) -> bool;
}

/// The result of a request.
pub(super) type Request<'a, T> = Pin<Box<dyn Future<Output = Result<T, RemoteError>> + Send + 'a>>;

/// The name of an object of a state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    /// The state's document: `KEY`.
    State,
    /// The head, which is both journal and lease: `KEY.journal`.
    Head,
    /// A probe of the store, with a random part: `KEY.probe-…`.
    Probe(String),
}

/// An object as it was read.
#[derive(Clone, Debug)]
pub(super) struct Object {
    /// Its content.
    pub(super) bytes: Bytes,
    /// Its version.
    pub(super) version: Version,
    /// The age of that version by the store's clock: `Date` minus `Last-Modified` of one answer;
    /// `None` if the answer lacks one of them.
    pub(super) age: Option<Duration>,
}

/// A version of an object: its `ETag`, or on Google Cloud Storage its generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version(pub(super) String);

/// What must exist for a write to succeed.
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
    /// It is done; the version that it created.
    Done(Version),
    /// The condition did not hold.
    Refused,
}
