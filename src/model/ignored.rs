//! Applies `lifecycle.ignore_changes`: the named paths are neither compared nor changed.

use std::borrow::Cow;

use super::{Attributes, Field, Kind, ObservedRoom, RecordedRoom, Room, Value, ValueRef, dropped};

/// The prefix of the path of an attribute.
const ATTRIBUTE: &str = "attributes.";

/// A part of a room that a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomPath<'a> {
    /// A field: `name`, `attributes`.
    Field(Field),
    /// One attribute: `attributes.topic`.
    Attribute(&'a str),
}

impl<'a> RoomPath<'a> {
    /// Returns the part that `path` names; `None` if the path is unknown.
    #[must_use]
    pub fn parse(path: &'a str) -> Option<Self> {
        match path.strip_prefix(ATTRIBUTE) {
            Some("") => None,
            Some(key) => Some(Self::Attribute(key)),
            None => {
                let field = Field::ALL.iter().find(|field| field.as_str() == path);
                field.map(|field| Self::Field(*field))
            }
        }
    }

    /// Returns the field of the path; for an attribute, the attributes.
    #[must_use]
    pub const fn field(self) -> Field {
        match self {
            Self::Field(field) => field,
            Self::Attribute(_) => Field::Attributes,
        }
    }
}

impl Room {
    /// Returns this room with the values of `paths` from `other`.
    #[must_use]
    pub fn with_paths_of(&self, paths: &[Box<str>], other: &Self) -> Self {
        let mut room = self.clone();
        for path in paths.iter().filter_map(|path| RoomPath::parse(path)) {
            match path {
                RoomPath::Field(field) => {
                    room.set(field, other.value(field).map(ValueRef::to_value));
                }
                RoomPath::Attribute(key) => room.attributes.copy(key, &other.attributes),
            }
        }
        room
    }

    /// Returns this room with the observed values of `paths`, where they can be observed. Only
    /// attributes that this room has are taken; those of others are left out.
    #[must_use]
    pub fn with_paths_as_read(&self, paths: &[Box<str>], read: &ObservedRoom) -> Self {
        let mut room = self.clone();
        for path in paths.iter().filter_map(|path| RoomPath::parse(path)) {
            match path {
                RoomPath::Field(Field::Attributes) => {
                    for (key, _) in self.attributes.iter() {
                        room.attributes.copy(key, &read.attributes);
                    }
                }
                RoomPath::Attribute(key) if self.attributes.get(key).is_some() => {
                    room.attributes.copy(key, &read.attributes);
                }
                RoomPath::Attribute(_) => {}
                RoomPath::Field(field) => {
                    if let Some(value) = read.fields.of(field) {
                        room.set(field, Some(Value::clone(value)));
                    }
                }
            }
        }
        room
    }
}

impl Attributes {
    /// Sets `key` to its value in `other`, or removes it.
    pub fn copy(&mut self, key: &str, other: &Self) {
        match other.get(key) {
            Some(attribute) => drop(self.insert(key, attribute.clone())),
            None => drop(self.remove(key)),
        }
    }
}

impl ObservedRoom {
    /// Returns the observation with the values of `paths` as in the recorded room `recorded`, as if
    /// they had not changed. Attributes that the service dropped from an empty room stay missing.
    #[must_use]
    pub fn unchanged_at(&self, kind: Kind, paths: &[Box<str>], recorded: &Room) -> Cow<'_, Self> {
        if paths.is_empty() {
            return Cow::Borrowed(self);
        }
        let dropped = dropped(kind, &recorded.attributes, self);
        let mut seen = self.clone();
        for path in paths.iter().filter_map(|path| RoomPath::parse(path)) {
            match path {
                RoomPath::Field(Field::Attributes) | RoomPath::Attribute(_) if dropped => {}
                RoomPath::Field(Field::Attributes) => {
                    for (key, _) in recorded.attributes.iter() {
                        seen.attributes.copy(key, &recorded.attributes);
                    }
                }
                RoomPath::Attribute(key) if recorded.attributes.get(key).is_some() => {
                    seen.attributes.copy(key, &recorded.attributes);
                }
                RoomPath::Attribute(_) => {}
                RoomPath::Field(field) => seen.fields.set(field, None),
            }
        }
        Cow::Owned(seen)
    }
}

impl RecordedRoom {
    /// Returns whether `ignore_changes` names this attribute, so that others may change it.
    #[must_use]
    pub fn ignores_attribute(&self, key: &str) -> bool {
        self.ignore_changes.iter().any(|path| match RoomPath::parse(path) {
            Some(RoomPath::Field(field)) => field == Field::Attributes,
            Some(RoomPath::Attribute(named)) => named == key,
            None => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{attributes, observed_room};
    use super::super::{People, Timestamp};
    use super::*;

    fn paths(paths: &[&str]) -> Vec<Box<str>> {
        paths.iter().map(|path| (*path).into()).collect()
    }

    fn room(name: &str, pairs: &[(&str, &str)]) -> Room {
        let name = Some(name.into());
        Room { name, attributes: attributes(pairs), ..Room::default() }
    }

    #[test]
    fn a_path_is_a_field_or_one_attribute() {
        for field in Field::ALL {
            assert_eq!(RoomPath::parse(field.as_str()), Some(RoomPath::Field(*field)));
        }
        assert_eq!(RoomPath::parse("attributes.a.b"), Some(RoomPath::Attribute("a.b")));
        for path in ["", "attributes.", "nmae", "close", "name."] {
            assert_eq!(RoomPath::parse(path), None, "{path}");
        }
    }

    #[test]
    fn paths_are_copied_from_the_other_room() {
        let (one, other) = (room("a", &[("k", "1"), ("l", "1")]), room("b", &[("k", "2")]));
        let taken = one.with_paths_of(&paths(&["name", "attributes.k"]), &other);
        assert_eq!(taken, room("b", &[("k", "2"), ("l", "1")]));
        assert_eq!(one.with_paths_of(&paths(&["attributes"]), &other), room("a", &[("k", "2")]));
    }

    #[test]
    fn ignored_changes_are_hidden_and_keys_of_others_are_kept() {
        let recorded = room("a", &[("k", "1")]);
        let read = attributes(&[("k", "2"), ("theirs", "x")]);
        let seen = observed_room(Timestamp::from_millis(0), People::Nobody, read);
        let hidden = seen.unchanged_at(Kind::Zim, &paths(&["attributes"]), &recorded);
        assert_eq!(hidden.attributes, attributes(&[("k", "1"), ("theirs", "x")]));
        let declared = room("a", &[("k", "3")]);
        let taken = declared.with_paths_as_read(&paths(&["attributes", "name"]), &seen);
        assert_eq!(taken, room("a", &[("k", "2")]));
    }
}
