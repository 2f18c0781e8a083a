//! What the service reported.

use std::collections::BTreeMap;

use super::{Address, Attributes, Fields, ProviderName, Timestamp};

/// The observations by address. A room without an entry was not queried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// The observations.
    pub rooms: BTreeMap<Address, Observation>,
    /// How many rooms of each provider were due and were not queried because its credentials are
    /// missing.
    pub not_asked: BTreeMap<ProviderName, u64>,
}

/// The observation of one room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observation {
    /// The query failed, so that neither there nor gone is known.
    Unread {
        /// The reason, as a sentence.
        why: String,
    },
    /// The service reported that it does not exist, at the time of the query.
    Gone(Timestamp),
    /// It exists.
    There(ObservedRoom),
}

/// A room that exists, as observed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedRoom {
    /// When the query was sent.
    pub at: Timestamp,
    /// The people inside.
    pub people: People,
    /// All its attributes, including those of others.
    pub attributes: Attributes,
    /// The service's count of attribute changes.
    pub attribute_sequence: Option<u64>,
    /// The other fields that the service reports.
    pub fields: Fields,
}

/// The people inside a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum People {
    /// Unknown.
    Unknown,
    /// Nobody.
    Nobody,
    /// This number.
    Count(u64),
    /// At least this number.
    AtLeast(u64),
}

impl Observed {
    /// Returns the observation of `address`; `None` if it was not queried.
    #[must_use]
    pub fn of(&self, address: &Address) -> Option<&Observation> {
        self.rooms.get(address)
    }
}

impl People {
    /// Returns the people of two sides of the same room together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nobody, people) | (people, Self::Nobody) => people,
            (Self::Count(one), Self::Count(more)) => Self::Count(one.saturating_add(more)),
            (Self::Count(one) | Self::AtLeast(one), Self::Count(more) | Self::AtLeast(more)) => {
                Self::AtLeast(one.saturating_add(more))
            }
            (Self::Unknown, Self::Count(some) | Self::AtLeast(some))
            | (Self::Count(some) | Self::AtLeast(some), Self::Unknown) => Self::AtLeast(some),
            (Self::Unknown, Self::Unknown) => Self::Unknown,
        }
    }

    /// Returns whether people are known to be inside.
    #[must_use]
    pub fn any(self) -> bool {
        match self {
            Self::Count(_) | Self::AtLeast(_) => true,
            Self::Unknown | Self::Nobody => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_of_two_sides_are_added_and_known_people_stay_known() {
        use People::{AtLeast, Count, Nobody, Unknown};
        for (one, other, both) in [
            (Nobody, Nobody, Nobody),
            (Nobody, Count(2), Count(2)),
            (Nobody, Unknown, Unknown),
            (Count(2), Count(3), Count(5)),
            (Count(2), AtLeast(3), AtLeast(5)),
            (Count(2), Unknown, AtLeast(2)),
            (Unknown, Unknown, Unknown),
        ] {
            assert_eq!((one.and(other), other.and(one)), (both, both), "{one:?} and {other:?}");
        }
    }
}
