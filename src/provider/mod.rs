//! The services behind one trait; a folder for each, and what they share.

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
    /// How many rooms one observation may take: what the service answers in one call.
    fn batch(&self) -> usize;

    /// Observes up to [`Observer::batch`] rooms: who is inside, and what they hold. In the order of
    /// `rooms`, each with the time its query was sent; never [`Observation::Unread`].
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

    /// Queries who is inside a room, `None` if it does not exist.
    fn people<'a>(&'a self, room: &'a RoomId) -> Answer<'a, Option<People>>;
}

/// One service, one attempt a call: it knows nothing of limits and retries.
pub trait Service: Send + Sync {
    /// The call that queries who is inside.
    fn people_call(&self) -> Call;

    /// How many rooms that call takes.
    fn batch(&self) -> usize;

    /// Queries who is inside up to [`Service::batch`] rooms, with the fields of the same answer. In the
    /// order of `rooms`, `None` for a room that does not exist.
    fn presences<'a>(&'a self, rooms: &'a [RoomId]) -> Answer<'a, Vec<Option<Presence>>>;

    /// The call that reads the attributes, or `None` if rooms have none.
    fn attributes_call(&self) -> Option<Call>;

    /// Reads a room's attributes, `None` if it does not exist.
    fn attributes<'a>(&'a self, room: &'a RoomId) -> Answer<'a, Option<AttributesRead>>;

    /// Changes a room by one call.
    fn change<'a>(&'a self, room: &'a RoomId, operation: &'a Operation) -> Answer<'a, Receipt>;

    /// The user to register if the service answers that a user is unknown: for an operation, or for an
    /// observation. `None` if the service has no users.
    fn user<'a>(&'a self, operation: Option<&'a Operation>) -> Option<&'a str>;

    /// The user to register before an operation, because the service's answer would not say clearly that
    /// he is unknown.
    fn user_before<'a>(&'a self, operation: &'a Operation) -> Option<&'a str>;

    /// The call that registers a user, or `None` if the service has no users.
    fn register_call(&self) -> Option<Call>;

    /// Registers a user; one who is registered already is a success.
    fn register<'a>(&'a self, user: &'a str) -> Answer<'a, ()>;

    /// Sets how long signatures are valid that serve for many requests, from the next one on.
    fn set_signature_life(&self, _life: SignatureLife) {}

    /// Makes one harmless signed query by [`Self::people_call`], and compares the clocks.
    fn probe(&self) -> Answer<'_, Probe>;
}

/// How long a signature is valid that serves for many requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureLife {
    /// As long as is usual with the service.
    #[default]
    Usual,
    /// Ten minutes: another run may take over while this one is suspended, and has to know from when on
    /// the service refuses what this one had signed.
    Short,
}

/// Who is inside a room, and the fields of the same answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// Who is inside.
    pub people: People,
    /// Its fields, as far as the answer holds them.
    pub fields: Fields,
}

/// The attributes of a room as they were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttributesRead {
    /// All of them.
    pub attributes: Attributes,
    /// The service's count of attribute changes.
    pub sequence: Option<u64>,
}

/// The result of a harmless query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The difference between the clocks, if the answer has a date.
    pub clock: Option<ClockDifference>,
}

/// What a service answers to a change that it made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Its id of the request.
    pub request_id: Option<String>,
    /// Its count of attribute changes.
    pub attribute_sequence: Option<u64>,
    /// The keys that it did not change, with its sub-code for each.
    pub failed_keys: Vec<(String, i64)>,
}
