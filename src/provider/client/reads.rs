//! Looking at rooms: paced, retried, and for `plan` without the means to register anybody.

use std::sync::Arc;

use super::Client;
use crate::model::{Class, People, RoomId, Sighting, Trouble};
use crate::provider::{Answer, AttributesRead, Observe};

/// A client that can look and nothing else: it does not register the operator either.
#[derive(Clone)]
pub struct ReadOnly(Arc<Client>);

/// What to do where the service does not know the operator.
#[derive(Clone, Copy)]
enum UnknownOperator {
    /// Register him, and ask once more.
    Register,
    /// Say so.
    Report,
}

impl ReadOnly {
    /// Takes from a client everything but looking.
    #[must_use]
    pub fn new(client: Arc<Client>) -> Self {
        Self(client)
    }
}

impl Observe for Client {
    fn sighting<'a>(&'a self, room: &'a RoomId) -> Answer<'a, Option<Sighting>> {
        Box::pin(self.look(room, UnknownOperator::Register))
    }

    fn people<'a>(&'a self, room: &'a RoomId) -> Answer<'a, Option<People>> {
        Box::pin(self.who(room))
    }
}

impl Observe for ReadOnly {
    fn sighting<'a>(&'a self, room: &'a RoomId) -> Answer<'a, Option<Sighting>> {
        Box::pin(self.0.look(room, UnknownOperator::Report))
    }

    fn people<'a>(&'a self, room: &'a RoomId) -> Answer<'a, Option<People>> {
        Box::pin(self.0.who(room))
    }
}

impl Client {
    async fn who(&self, room: &RoomId) -> Result<Option<People>, Trouble> {
        let call = self.service.people_call();
        self.settled(call, Some(room), || self.service.people(room)).await
    }

    /// Asks who is inside first: only that call tells for certain whether a room exists.
    async fn look(
        &self,
        room: &RoomId,
        unknown: UnknownOperator,
    ) -> Result<Option<Sighting>, Trouble> {
        let Some(people) = self.who(room).await? else { return Ok(None) };
        let read = match (self.attributes(room).await, unknown) {
            (Err(trouble), UnknownOperator::Register)
                if trouble.class == Class::OperatorUnknown =>
            {
                self.register_operator().await?;
                self.attributes(room).await?
            }
            (read, UnknownOperator::Register | UnknownOperator::Report) => read?,
        };
        let seen = |AttributesRead { attributes, sequence }| Sighting {
            people,
            attributes,
            attribute_sequence: sequence,
        };
        Ok(read.map(seen))
    }

    async fn attributes(&self, room: &RoomId) -> Result<Option<AttributesRead>, Trouble> {
        let call = self.service.attributes_call();
        self.settled(call, Some(room), || self.service.attributes(room)).await
    }
}
