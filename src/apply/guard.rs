//! Asks who is inside before a room is taken down.

use std::fmt;

use super::change::{Failure, Intended, Known, Worker};
use crate::model::{Address, Class, People, Trouble};
use crate::provider::Observe;

/// Who is inside a room that is to go.
pub(super) struct Inside {
    /// At the side that is to go.
    pub(super) here: People,
    /// At all sides of the room.
    pub(super) anywhere: People,
}

/// Why it could not be asked who is inside.
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
    /// Asks right before a destroy whether people are inside; with people, or unread, it waits.
    pub(super) async fn guard(&self, intended: &Intended<'_>) -> Result<Option<Known>, Failure> {
        let mut inside = Inside { here: People::Nobody, anywhere: People::Nobody };
        for side in &intended.empty {
            let Some(connection) = self.connections.get(&side.provider) else { continue };
            let asked = self.stop.or(connection.client.people(&side.room)).await;
            match asked.ok_or(Failure::Interrupted)? {
                Ok(None) if side == intended.address => return Ok(Some(Known::Missing(None))),
                Ok(people) => {
                    inside.add(people.unwrap_or(People::Nobody), side == intended.address);
                }
                Err(trouble) if trouble.class == Class::Stopped && side == intended.address => {
                    return Err(self.not_done(trouble));
                }
                Err(trouble) => {
                    let side = (*side != *intended.address).then(|| side.clone());
                    return Err(Failure::Unasked(Unasked { side, trouble }));
                }
            }
        }
        match inside.anywhere {
            People::Nobody => Ok(None),
            People::Count(_) | People::AtLeast(_) | People::Unknown => {
                Err(Failure::Occupied(inside))
            }
        }
    }
}
