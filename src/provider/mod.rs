//! The clients of the services behind one trait: a folder for each service, and what they share.

mod access;
mod client;
mod codes;
mod envelope;
pub mod http;
mod json;
mod registry;
mod rtc;
mod tencent_live;
#[cfg(test)]
mod tests;
mod zego;
mod zim;

use std::future::Future;
use std::pin::Pin;

pub(crate) use client::log_retry;
pub use client::{Client, Permit, PreviousRun, ReadOnly, Tripped};
use http::ClockDifference;
pub use registry::{Clocks, ConnectError, connect, connect_over, vendor_url};

use crate::model::{ApiError, Attributes, Call, Fields, Observation, Operation, People, RoomId};

/// The result of a call to a service.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, ApiError>> + Send + 'a>>;

/// Observes rooms, and cannot change anything. Its calls are paced and retried.
pub trait Observer: Send + Sync {
    /// Returns how many rooms one observation may query: the service's limit for one call.
    fn batch(&self) -> usize;

    /// Observes up to [`Observer::batch`] rooms: who is inside, attributes and fields. Returns them in the
    /// order of `rooms`, each with the time at which its query was sent; never [`Observation::Unread`].
    fn observed_rooms<'a>(&'a self, rooms: &'a [RoomId]) -> Answer<'a, Vec<Observation>>;

    /// Observes one room.
    fn observed_room<'a>(&'a self, room: &'a RoomId) -> Answer<'a, Observation> {
        Box::pin(async move {
            let seen = self.observed_rooms(std::slice::from_ref(room)).await?;
            let unread =
                || Observation::Unread { why: "the answer does not contain it".to_owned() };
            Ok(seen.into_iter().next().unwrap_or_else(unread))
        })
    }

    /// Queries who is inside a room; `None` if it does not exist.
    fn people<'a>(&'a self, room: &'a RoomId) -> Answer<'a, Option<People>>;
}

/// One service. Each method makes one attempt, without rate limits and retries.
pub trait Service: Send + Sync {
    /// Returns the call that queries who is inside.
    fn people_call(&self) -> Call;

    /// Returns how many rooms that call can query.
    fn batch(&self) -> usize;

    /// Queries who is inside up to [`Service::batch`] rooms, with the fields of the same answer. Returns
    /// them in the order of `rooms`; `None` for a room that does not exist.
    fn presences<'a>(&'a self, rooms: &'a [RoomId]) -> Answer<'a, Vec<Option<Presence>>>;

    /// Returns the call that reads the attributes; `None` if rooms have none.
    fn attributes_call(&self) -> Option<Call>;

    /// Reads a room's attributes; `None` if the room does not exist.
    fn attributes<'a>(&'a self, room: &'a RoomId) -> Answer<'a, Option<AttributesRead>>;

    /// Changes a room by one call.
    fn change<'a>(&'a self, room: &'a RoomId, operation: &'a Operation) -> Answer<'a, Receipt>;

    /// Returns the user to register if the service reports that a user is unknown, for an operation or
    /// (`None`) an observation; `None` if the service has no users.
    fn user<'a>(&'a self, operation: Option<&'a Operation>) -> Option<&'a str>;

    /// Returns the user to register before an operation, if the service's error would not clearly report
    /// that the user is unknown.
    fn user_before<'a>(&'a self, operation: &'a Operation) -> Option<&'a str>;

    /// Returns the call that registers a user; `None` if the service has no users.
    fn register_call(&self) -> Option<Call>;

    /// Registers a user. Succeeds if the user is registered already.
    fn register<'a>(&'a self, user: &'a str) -> Answer<'a, ()>;

    /// Sets how long signatures that are used for many requests are valid, from the next signature on.
    fn set_signature_life(&self, _life: SignatureLife) {}

    /// Makes one signed query without effect by [`Self::people_call`], and compares the clocks.
    fn probe(&self) -> Answer<'_, Probe>;
}

/// How long a signature that is used for many requests is valid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureLife {
    /// The usual time of the service.
    #[default]
    Usual,
    /// Ten minutes. Another run may take over while this one is suspended, and must know when the service
    /// begins to refuse the signatures of this run.
    Short,
}

/// Who is inside a room, and the fields of the same answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// Who is inside.
    pub people: People,
    /// The fields that the answer contains.
    pub fields: Fields,
}

/// The attributes of a room as they were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttributesRead {
    /// All attributes.
    pub attributes: Attributes,
    /// The service's count of attribute changes.
    pub sequence: Option<u64>,
}

/// The result of a query without effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The difference between the clocks, if the answer has a date.
    pub clock: Option<ClockDifference>,
}

/// The answer of a service to a change that it made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// The service's id of the request.
    pub request_id: Option<String>,
    /// The service's count of attribute changes.
    pub attribute_sequence: Option<u64>,
    /// The keys that the service did not change, each with its sub-code.
    pub failed_keys: Vec<(String, i64)>,
}
