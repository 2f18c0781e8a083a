//! The address of a room: `provider/room-id`.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The name of a provider in `rooms.yaml`: `[a-z0-9_-]+`. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderName(Arc<str>);

/// A room's id at the service. The kind of the room decides which characters it may contain. Cheap to
/// clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RoomId(Arc<str>);

/// The address of a room: `provider/room-id`, split at the first `/`.
///
/// Addresses sort as their texts do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// The provider of the room.
    pub provider: ProviderName,
    /// The room's id at that provider.
    pub room: RoomId,
}

/// Why a text is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// There is no `/`.
    #[error("`{0}` is not a valid address: expected PROVIDER/ROOM-ID, such as `chat/lobby`")]
    NoSlash(String),
    /// The part before the `/` is not a provider's name.
    #[error("`{0}` is not a valid provider name: use lower-case letters, digits, `_` and `-` only")]
    Provider(String),
    /// Nothing follows the `/`.
    #[error("`{0}` has no room id: expected PROVIDER/ROOM-ID, such as `chat/lobby`")]
    NoRoom(String),
}

impl ProviderName {
    /// Makes a name from a text of lower-case letters, digits, `_` and `-`.
    ///
    /// # Errors
    /// Returns [`AddressError::Provider`] for any other text.
    pub fn new(name: &str) -> Result<Self, AddressError> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
        if name.is_empty() || !name.chars().all(fits) {
            return Err(AddressError::Provider(name.to_owned()));
        }
        Ok(Self(name.into()))
    }

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl RoomId {
    /// Makes an id from any text. The rules of the kind are checked where the file is read.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self(id.into())
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Address {
    /// Joins a provider's name and a room's id.
    #[must_use]
    pub fn new(provider: ProviderName, room: RoomId) -> Self {
        Self { provider, room }
    }

    fn bytes(&self) -> impl Iterator<Item = u8> {
        let (provider, room) = (self.provider.0.bytes(), self.room.0.bytes());
        provider.chain([b'/']).chain(room)
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((provider, room)) = text.split_once('/') else {
            return Err(AddressError::NoSlash(text.to_owned()));
        };
        if room.is_empty() {
            return Err(AddressError::NoRoom(text.to_owned()));
        }
        Ok(Self::new(ProviderName::new(provider)?, RoomId::new(room)))
    }
}

impl Ord for RoomId {
    fn cmp(&self, other: &Self) -> Ordering {
        // Declared and recorded addresses share the id in memory, so most comparisons read no text.
        if Arc::ptr_eq(&self.0, &other.0) { Ordering::Equal } else { self.0.cmp(&other.0) }
    }
}

impl PartialOrd for RoomId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Address {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.provider == other.provider {
            return self.room.cmp(&other.room);
        }
        self.bytes().cmp(other.bytes())
    }
}

impl PartialOrd for Address {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.room)
    }
}

impl Serialize for ProviderName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ProviderName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_splits_at_the_first_slash() {
        let address: Address = "chat/a/b".parse().expect("an address");
        assert_eq!(address.provider.as_str(), "chat");
        assert_eq!(address.room.as_str(), "a/b");
        assert_eq!(address.to_string(), "chat/a/b");
    }

    #[test]
    fn a_text_without_a_room_id_is_refused() {
        assert!(matches!("lobby".parse::<Address>(), Err(AddressError::NoSlash(_))));
        assert!(matches!("chat/".parse::<Address>(), Err(AddressError::NoRoom(_))));
        assert!(matches!("Chat/x".parse::<Address>(), Err(AddressError::Provider(_))));
    }

    #[test]
    fn addresses_sort_as_their_texts() {
        let mut texts = ["a/z", "a-b/a", "a/a", "ab/a", "a0/a"];
        texts.sort_unstable();
        let mut addresses = texts.map(|t| t.parse::<Address>().expect("an address"));
        addresses.reverse();
        addresses.sort();
        assert_eq!(addresses.map(|a| a.to_string()), texts);
    }
}
