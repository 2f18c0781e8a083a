//! Asks what has to be known before a room is taken down: who is inside, and what others wrote into it.

use std::fmt;
use std::sync::Arc;

use tokio::time::Instant;

use super::change::{Failure, Intended, Worker};
use super::observe::look;
use crate::model::{
    Address, ApiError, ErrorClass, Observation, ObservedRoom, People, RecordedRoom, over_limits,
};
use crate::provider::Observer;

/// What was found before a call.
pub(super) enum Guarded {
    /// The room does not exist; with the record as it is then.
    Missing(RecordedRoom),
    /// Nothing is in the way.
    Clear {
        /// The record under the call's intent.
        record: RecordedRoom,
        /// When the last answer came; none where nothing had to be asked.
        answered: Option<Instant>,
    },
}

/// Who is inside a room that is to go.
pub(super) struct Inside {
    /// At the side that is to go.
    pub(super) here: People,
    /// At all sides of the room.
    pub(super) anywhere: People,
}

/// Why a room could not be asked after.
pub(super) struct Unasked {
    /// The other side of the room that did not tell; none where it is the room itself.
    pub(super) side: Option<Address>,
    /// What stood in the way.
    pub(super) api_error: ApiError,
}

impl Inside {
    fn add(&mut self, people: People, here: bool) {
        self.anywhere = self.anywhere.and(people);
        if here {
            self.here = self.here.and(people);
        }
    }
}

impl fmt::Display for Unasked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { side, api_error } = self;
        match side {
            Some(side) => write!(f, "{side}: {api_error}"),
            None => write!(f, "{api_error}"),
        }
    }
}

impl Worker {
    /// Asks right before a destroy whether people are inside, and before a replace for the attributes
    /// too; with people, or unread, it waits.
    pub(super) async fn guard(&self, intended: &Intended<'_>) -> Result<Guarded, Failure> {
        let mut inside = Inside { here: People::Nobody, anywhere: People::Nobody };
        let read = match intended.next {
            Some(_) => match self.read(intended.address).await? {
                Some(observed_room) => Some(observed_room),
                None => return Ok(Guarded::Missing(self.carrying(intended, None)?)),
            },
            None => None,
        };
        for side in &intended.empty {
            let here = side == intended.address;
            let people = match &read {
                Some(observed_room) if here => Some(observed_room.people),
                Some(_) | None => self.people(side, here).await?,
            };
            match people {
                None if here => return Ok(Guarded::Missing(intended.record.clone())),
                people => inside.add(people.unwrap_or(People::Nobody), here),
            }
        }
        match inside.anywhere {
            People::Nobody => {
                let asks = intended.next.is_some() || !intended.empty.is_empty();
                let record = self.carrying(intended, read.as_ref())?;
                Ok(Guarded::Clear { record, answered: asks.then(Instant::now) })
            }
            People::Count(_) | People::AtLeast(_) | People::Unknown => {
                Err(Failure::Occupied(inside))
            }
        }
    }

    /// Who is inside a side of a room; none where it does not exist, nobody where it is not ours to ask.
    async fn people(&self, side: &Address, here: bool) -> Result<Option<People>, Failure> {
        let Some(connection) = self.connections.get(&side.provider) else {
            return Ok(Some(People::Nobody));
        };
        let asked = self.stop.or(connection.client.people(&side.room)).await;
        asked.ok_or(Failure::Interrupted)?.map_err(|api_error| {
            if here && api_error.class == ErrorClass::Stopped {
                return self.not_done(api_error);
            }
            Failure::Unasked(Unasked { side: (!here).then(|| side.clone()), api_error })
        })
    }

    /// Reads a room with its attributes; none where it does not exist.
    async fn read(&self, address: &Address) -> Result<Option<ObservedRoom>, Failure> {
        let unread = |api_error: ApiError| {
            if api_error.class == ErrorClass::Stopped {
                return self.not_done(api_error);
            }
            Failure::Unasked(Unasked { side: None, api_error })
        };
        let looked = self.stop.or(look(&*self.connection.client, address)).await;
        match looked.ok_or(Failure::Interrupted)?.map_err(unread)? {
            Observation::There(observed_room) => Ok(Some(observed_room)),
            Observation::Gone(_) => Ok(None),
            Observation::Unread { why } => {
                let call = self.kind().people_call();
                Err(unread(ApiError::local(ErrorClass::Unknown, call, why)))
            }
        }
    }

    /// The record under an intent: of a replace, with the attributes of others that its create sets
    /// again.
    fn carrying(
        &self,
        intended: &Intended<'_>,
        read: Option<&ObservedRoom>,
    ) -> Result<RecordedRoom, Failure> {
        let record = &intended.record;
        let Some(after) = &intended.next else { return Ok(record.clone()) };
        let Some(observed_room) = read else {
            return Ok(record.replaced_by(Arc::clone(after), record.carried().clone()));
        };
        let wanted = &after.attributes;
        let others = record.others(wanted, &observed_room.attributes);
        if let Some(why) = over_limits(self.connection.provider.limits, wanted, &others) {
            let call = self.kind().destroy_call();
            return Err(Failure::NotDone(ApiError::local(ErrorClass::Refused, call, why)));
        }
        Ok(record.seen(observed_room).replaced_by(Arc::clone(after), others))
    }
}
