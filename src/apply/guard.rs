//! Asks what has to be known before a room is taken down: who is inside, and what others wrote into it.

use std::fmt;
use std::sync::Arc;

use tokio::time::Instant;

use super::change::{Failure, Intended, Worker};
use super::observe::look;
use crate::model::{
    Address, Class, Observation, People, RecordedRoom, Sighting, Trouble, over_limits,
};
use crate::provider::Observe;

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
    pub(super) trouble: Trouble,
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
        let Self { side, trouble } = self;
        match side {
            Some(side) => write!(f, "{side}: {trouble}"),
            None => write!(f, "{trouble}"),
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
                Some(sighting) => Some(sighting),
                None => return Ok(Guarded::Missing(self.carrying(intended, None)?)),
            },
            None => None,
        };
        for side in &intended.empty {
            let here = side == intended.address;
            let people = match &read {
                Some(sighting) if here => Some(sighting.people),
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
        asked.ok_or(Failure::Interrupted)?.map_err(|trouble| {
            if here && trouble.class == Class::Stopped {
                return self.not_done(trouble);
            }
            Failure::Unasked(Unasked { side: (!here).then(|| side.clone()), trouble })
        })
    }

    /// Reads a room with its attributes; none where it does not exist.
    async fn read(&self, address: &Address) -> Result<Option<Sighting>, Failure> {
        let unread = |trouble: Trouble| {
            if trouble.class == Class::Stopped {
                return self.not_done(trouble);
            }
            Failure::Unasked(Unasked { side: None, trouble })
        };
        let looked = self.stop.or(look(&*self.connection.client, address)).await;
        match looked.ok_or(Failure::Interrupted)?.map_err(unread)? {
            Observation::There(sighting) => Ok(Some(sighting)),
            Observation::Gone(_) => Ok(None),
            Observation::Unread { why } => {
                let call = self.kind().people_call();
                Err(unread(Trouble::local(Class::Unknown, call, why)))
            }
        }
    }

    /// The record under an intent: of a replace, with the attributes of others that its create sets
    /// again.
    fn carrying(
        &self,
        intended: &Intended<'_>,
        read: Option<&Sighting>,
    ) -> Result<RecordedRoom, Failure> {
        let record = &intended.record;
        let Some(after) = &intended.next else { return Ok(record.clone()) };
        let Some(sighting) = read else {
            return Ok(record.replaced_by(Arc::clone(after), record.carried().clone()));
        };
        let wanted = &after.attributes;
        let others = record.others(wanted, &sighting.attributes);
        if let Some(why) = over_limits(self.connection.provider.limits, wanted, &others) {
            let call = self.kind().destroy_call();
            return Err(Failure::NotDone(Trouble::local(Class::Refused, call, why)));
        }
        Ok(record.seen(sighting).replaced_by(Arc::clone(after), others))
    }
}
