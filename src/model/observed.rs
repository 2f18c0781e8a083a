//! What the service answered.

use std::collections::BTreeMap;

use super::{Address, Attributes, Fields, ProviderName, Timestamp};

/// What the service answered, by address. A room that is not in it was not queried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// The answers.
    pub rooms: BTreeMap<Address, Observation>,
    /// How many rooms of each provider were due and were not queried, since its credentials are
    /// missing.
    pub not_asked: BTreeMap<ProviderName, u64>,
}

/// The answer for one room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observation {
    /// It was queried and could not be read: neither there nor gone.
    Unread {
        /// A sentence that says why.
        why: String,
    },
    /// The service itself answered that it does not exist, queried at this time.
    Gone(Timestamp),
    /// It exists.
    There(ObservedRoom),
}

/// A room that exists, as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedRoom {
    /// When the query was sent.
    pub at: Timestamp,
    /// Who is inside.
    pub people: People,
    /// All its attributes, those of others too.
    pub attributes: Attributes,
    /// The service's count of attribute changes.
    pub attribute_sequence: Option<u64>,
    /// The other fields, as far as the service reports them.
    pub fields: Fields,
}

/// Who is inside a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum People {
    /// It is not known.
    Unknown,
    /// Nobody.
    Nobody,
    /// So many.
    Count(u64),
    /// So many, and perhaps more.
    AtLeast(u64),
}

impl Observed {
    /// What was answered for `address`; `None` if it was not queried.
    #[must_use]
    pub fn of(&self, address: &Address) -> Option<&Observation> {
        self.rooms.get(address)
    }
}

impl People {
    /// The people here and those at another side of the same room together.
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

    /// Whether somebody is known to be inside.
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
    fn people_of_two_sides_are_counted_together_and_never_forgotten() {
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
