//! Observes rooms, paced and retried; for `plan` without registering the operator.

use std::sync::Arc;

use super::{Client, Sent};
use crate::model::{ApiError, ErrorClass, Observation, ObservedRoom, People, RoomId, Timestamp};
use crate::provider::access::ABSENT_ROOM;
use crate::provider::{Answer, AttributesRead, Observer, Presence};

/// A client that can only observe, and does not register the operator.
#[derive(Clone)]
pub struct ReadOnly(Arc<Client>);

/// What to do if the service does not know the operator.
#[derive(Clone, Copy)]
enum UnknownOperator {
    /// Register the operator, and query again.
    Register,
    /// Return the error.
    Report,
}

impl ReadOnly {
    /// Restricts a client to observing.
    #[must_use]
    pub fn new(client: Arc<Client>) -> Self {
        Self(client)
    }
}

impl Observer for Client {
    fn batch(&self) -> usize {
        self.service.batch()
    }

    fn observed_rooms<'a>(&'a self, rooms: &'a [RoomId]) -> Answer<'a, Vec<Observation>> {
        Box::pin(self.observe(rooms, UnknownOperator::Register))
    }

    fn people<'a>(&'a self, room: &'a RoomId) -> Answer<'a, Option<People>> {
        Box::pin(self.count_people(room))
    }
}

impl Observer for ReadOnly {
    fn batch(&self) -> usize {
        self.0.service.batch()
    }

    fn observed_rooms<'a>(&'a self, rooms: &'a [RoomId]) -> Answer<'a, Vec<Observation>> {
        Box::pin(self.0.observe(rooms, UnknownOperator::Report))
    }

    fn people<'a>(&'a self, room: &'a RoomId) -> Answer<'a, Option<People>> {
        Box::pin(self.0.count_people(room))
    }
}

impl Client {
    /// Returns whether the service knows the operator: queries the attributes of a room that does not exist
    /// in the operator's name, and does not register the operator.
    ///
    /// ZIM does not document whether it checks the room or the operator first: any answer but "operator
    /// unknown" shows that it accepts calls in the operator's name.
    ///
    /// # Errors
    /// Returns the [`ApiError`] that remained after retries.
    pub async fn knows_operator(&self) -> Result<bool, ApiError> {
        match self.attributes(&RoomId::new(ABSENT_ROOM)).await {
            Ok(_) => Ok(true),
            Err(error) if error.class == ErrorClass::OperatorUnknown => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn count_people(&self, room: &RoomId) -> Result<Option<People>, ApiError> {
        let Sent { at: _, answer: present } = self.presences(std::slice::from_ref(room)).await?;
        Ok(present.into_iter().next().flatten().map(|Presence { people, fields: _ }| people))
    }

    async fn presences(&self, rooms: &[RoomId]) -> Result<Sent<Vec<Option<Presence>>>, ApiError> {
        let call = self.service.people_call();
        self.with_retries(call, rooms.first(), || self.service.presences(rooms)).await
    }

    /// Observes rooms. First queries who is inside: only that call reliably reports whether a room exists.
    async fn observe(
        &self,
        rooms: &[RoomId],
        unknown: UnknownOperator,
    ) -> Result<Vec<Observation>, ApiError> {
        let mut seen = Vec::with_capacity(rooms.len());
        let Sent { at, answer } = self.presences(rooms).await?;
        for (room, presence) in rooms.iter().zip(answer) {
            let observed_room = match presence {
                Some(presence) => self.observe_inside(room, at, presence, unknown).await?,
                None => None,
            };
            seen.push(observed_room.map_or(Observation::Gone(at), Observation::There));
        }
        Ok(seen)
    }

    /// Reads the attributes of a room that existed at `at`; `None` if it no longer exists.
    async fn observe_inside(
        &self,
        room: &RoomId,
        at: Timestamp,
        presence: Presence,
        unknown: UnknownOperator,
    ) -> Result<Option<ObservedRoom>, ApiError> {
        let read = match (self.attributes(room).await, unknown) {
            (Err(error), UnknownOperator::Register)
                if error.class == ErrorClass::OperatorUnknown =>
            {
                self.register_user(None).await?;
                self.attributes(room).await?
            }
            (read, UnknownOperator::Register | UnknownOperator::Report) => read?,
        };
        let Presence { people, fields } = presence;
        let seen = |AttributesRead { attributes, sequence }| ObservedRoom {
            at,
            people,
            attributes,
            attribute_sequence: sequence,
            fields,
        };
        Ok(read.map(seen))
    }

    async fn attributes(&self, room: &RoomId) -> Result<Option<AttributesRead>, ApiError> {
        match self.service.attributes_call() {
            Some(call) => {
                let read =
                    self.with_retries(call, Some(room), || self.service.attributes(room)).await;
                read.map(|Sent { at: _, answer }| answer)
            }
            None => Ok(Some(AttributesRead::default())),
        }
    }
}
