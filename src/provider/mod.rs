//! The services behind one trait; a folder for each, and what they share.

mod client;
pub mod http;
mod registry;
mod zim;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub use client::{Client, Ended, Permit, ReadOnly};
use http::ClockDifference;
pub use registry::{ConnectError, connect, connect_over, vendor_url};

use crate::model::{AttributeChange, Attributes, Call, People, Room, RoomId, Sighting, Trouble};

/// What a call to a service comes to.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Trouble>> + Send + 'a>>;

/// Looks at rooms, and cannot change anything. Its calls are paced and retried.
pub trait Observe: Send + Sync {
    /// Looks at a room: who is inside, and its attributes. None where it does not exist.
    fn sighting<'a>(&'a self, room: &'a RoomId) -> Answer<'a, Option<Sighting>>;

    /// Asks who is inside a room. None where it does not exist.
    fn people<'a>(&'a self, room: &'a RoomId) -> Answer<'a, Option<People>>;
}

/// One service, one attempt a call: it knows nothing of limits and retries.
pub trait Service: Send + Sync {
    /// The call that asks who is inside.
    fn people_call(&self) -> Call;

    /// The call that reads the attributes.
    fn attributes_call(&self) -> Call;

    /// Asks who is inside a room. None where it does not exist.
    fn people<'a>(&'a self, room: &'a RoomId) -> Answer<'a, Option<People>>;

    /// Reads a room's attributes. None where it does not exist.
    fn attributes<'a>(&'a self, room: &'a RoomId) -> Answer<'a, Option<AttributesRead>>;

    /// Changes a room by one call.
    fn change<'a>(&'a self, room: &'a RoomId, operation: &'a Operation) -> Answer<'a, Receipt>;

    /// The call that registers the operator.
    fn register_call(&self) -> Call;

    /// Registers the operator; one that is registered already is a success.
    fn register_operator(&self) -> Answer<'_, ()>;

    /// Makes one harmless signed query by [`Self::people_call`], and compares the clocks.
    fn probe(&self) -> Answer<'_, Probe>;
}

/// A change of a room by one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Creates it.
    Create(Arc<Room>),
    /// Destroys it.
    Destroy,
    /// Changes its attributes.
    Modify(Vec<AttributeChange>),
}

/// The attributes of a room as they were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttributesRead {
    /// All of them.
    pub attributes: Attributes,
    /// The service's count of attribute changes.
    pub sequence: Option<u64>,
}

/// What a harmless query told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// How far the clocks are apart, where the answer says.
    pub clock: Option<ClockDifference>,
}

/// What a service says of a change that it made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Its id of the request.
    pub request_id: Option<String>,
    /// Its count of attribute changes.
    pub attribute_sequence: Option<u64>,
    /// The keys that it did not change, with its sub-code for each.
    pub failed_keys: Vec<(String, i64)>,
}

impl Operation {
    /// The call that carries it out.
    #[must_use]
    pub fn call(&self) -> Call {
        match self {
            Self::Create(_) => Call::CreateRoom,
            Self::Destroy => Call::DestroyRoom,
            Self::Modify(_) => Call::ModifyRoomAttribute,
        }
    }
}
