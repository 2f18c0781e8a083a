//! The attributes of a room: a small map of texts, sorted by key.

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One attribute's value, and whether it is deleted when the user who set it leaves the room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct Attribute {
    /// The text.
    pub value: Box<str>,
    /// ZIM's `AutoDelete`: the service deletes the attribute when its user leaves.
    #[serde(default)]
    pub auto_delete: bool,
}

/// Attributes sorted by key. They are stored in a vector, because a large state has a million rooms
/// with a few each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes(Vec<(Box<str>, Attribute)>);

/// One change of a room's attributes, as in a call of ModifyRoomAttribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributeChange {
    /// Sets the key, whether or not it exists.
    Set(Box<str>, Attribute),
    /// Deletes the key.
    Delete(Box<str>),
}

impl Attributes {
    /// No attributes.
    pub const EMPTY: Self = Self(Vec::new());

    /// Returns the attribute of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Attribute> {
        let at = self.0.binary_search_by(|(k, _)| (**k).cmp(key)).ok()?;
        Some(&self.0[at].1)
    }

    /// Sets `key`, and returns its previous attribute.
    pub fn insert(&mut self, key: &str, attribute: Attribute) -> Option<Attribute> {
        match self.0.binary_search_by(|(k, _)| (**k).cmp(key)) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, attribute)),
            Err(at) => {
                self.0.insert(at, (key.into(), attribute));
                None
            }
        }
    }

    /// Frees unused capacity, since most attributes are built once and kept.
    pub fn shrink_to_fit(&mut self) {
        self.0.shrink_to_fit();
    }

    /// Removes `key`, and returns its attribute.
    pub fn remove(&mut self, key: &str) -> Option<Attribute> {
        let at = self.0.binary_search_by(|(k, _)| (**k).cmp(key)).ok()?;
        Some(self.0.remove(at).1)
    }

    /// Returns all keys and attributes in the order of the keys.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Attribute)> {
        self.0.iter().map(|(key, attribute)| (&**key, attribute))
    }

    /// Returns the number of attributes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the bytes of all keys and values together.
    #[must_use]
    pub fn total_bytes(&self) -> usize {
        self.iter().map(|(key, attribute)| key.len() + attribute.value.len()).sum()
    }

    /// Returns the changes that set every key of `target` that is missing here or has another value.
    #[must_use]
    pub fn sets_towards(&self, target: &Self) -> Vec<AttributeChange> {
        let differs = |(key, attribute): &(&str, &Attribute)| self.get(key) != Some(attribute);
        let set = |(key, attribute): (&str, &Attribute)| {
            AttributeChange::Set(key.into(), attribute.clone())
        };
        target.iter().filter(differs).map(set).collect()
    }

    /// Applies one change.
    pub fn apply(&mut self, change: &AttributeChange) {
        match change {
            AttributeChange::Set(key, attribute) => {
                self.insert(key, attribute.clone());
            }
            AttributeChange::Delete(key) => {
                self.remove(key);
            }
        }
    }
}

impl AttributeChange {
    /// Returns the key that is changed.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Set(key, _) | Self::Delete(key) => key,
        }
    }
}

impl<K: AsRef<str>> FromIterator<(K, Attribute)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (K, Attribute)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter();
        let mut all = Self(Vec::with_capacity(pairs.size_hint().0));
        for (key, attribute) in pairs {
            all.insert(key.as_ref(), attribute);
        }
        all
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, attribute) in self.iter() {
            map.serialize_entry(key, attribute)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> serde::de::Visitor<'de> for Pairs {
            type Value = Attributes;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map of attributes")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Attributes, A::Error> {
                let mut all = Attributes::default();
                while let Some((key, attribute)) = map.next_entry::<Box<str>, Attribute>()? {
                    if all.insert(&key, attribute).is_some() {
                        return Err(serde::de::Error::custom(format_args!(
                            "duplicate attribute `{key}`"
                        )));
                    }
                }
                all.shrink_to_fit();
                Ok(all)
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}
