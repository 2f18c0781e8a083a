//! The ownership attribute, which holds the lineage of the state that made a room.

use std::borrow::Cow;
use std::str::FromStr;
use std::sync::Arc;

use super::{Application, Attribute, Attributes, Lineage, ObservedRoom, RecordedRoom, Room};

/// The ownership attribute of an application's rooms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ownership {
    key: Arc<str>,
    /// The lineage of our state; `None` while there is no state.
    lineage: Option<Lineage>,
}

/// The owner of a room by its ownership attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// It has no such attribute, or one without a lineage, which proves nothing.
    Unknown,
    /// It holds the lineage of our state. Any user of a room can set attributes, so this is proof only
    /// together with an intent or a record of ours.
    Ours,
    /// It holds the lineage of another state.
    Other(Lineage),
}

/// Why a text is not a lineage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a UUID, such as `7e9bb6ff-0d44-4ef7-9df9-7f1f5b8a1f44`")]
pub struct InvalidLineage;

impl Lineage {
    /// The length of a lineage in bytes.
    pub const BYTES: usize = 36;
}

impl FromStr for Lineage {
    type Err = InvalidLineage;

    fn from_str(text: &str) -> Result<Self, InvalidLineage> {
        let fits = |(at, byte): (usize, u8)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        };
        let is_lineage = text.len() == Self::BYTES && text.bytes().enumerate().all(fits);
        is_lineage.then(|| Self(text.to_owned())).ok_or(InvalidLineage)
    }
}

impl Ownership {
    /// Makes the ownership attribute with this key, without a lineage.
    #[must_use]
    pub fn new(key: &str) -> Self {
        Self { key: key.into(), lineage: None }
    }

    /// Returns the attribute for the state of this lineage.
    #[must_use]
    pub fn of_lineage(self, lineage: Lineage) -> Self {
        Self { lineage: Some(lineage), ..self }
    }

    /// Returns the key of the attribute.
    #[must_use]
    pub fn key(&self) -> &Arc<str> {
        &self.key
    }

    /// Returns the owner of a room with these attributes.
    #[must_use]
    pub fn owner(&self, read: &Attributes) -> Owner {
        match read.get(&self.key).map(|attribute| attribute.value.parse::<Lineage>()) {
            None | Some(Err(InvalidLineage)) => Owner::Unknown,
            Some(Ok(lineage)) if Some(&lineage) == self.lineage.as_ref() => Owner::Ours,
            Some(Ok(lineage)) => Owner::Other(lineage),
        }
    }

    /// Returns the room with its ownership attribute, if our lineage is known.
    #[must_use]
    pub fn mark(&self, room: &Arc<Room>) -> Arc<Room> {
        let Some(Lineage(lineage)) = &self.lineage else { return Arc::clone(room) };
        let own = || Attribute { value: lineage.as_str().into(), auto_delete: false };
        let attributes = room.attributes.iter().map(|(key, it)| (key, it.clone()));
        let attributes = attributes.chain([(&*self.key, own())]).collect();
        Arc::new(Room { attributes, ..room.as_ref().clone() })
    }
}

impl Application {
    /// Returns the owner of a room with these attributes; unknown without an ownership attribute.
    #[must_use]
    pub fn owner(&self, read: &Attributes) -> Owner {
        self.ownership().map_or(Owner::Unknown, |ownership| ownership.owner(read))
    }
}

impl RecordedRoom {
    /// Returns the lineage of another state to which the ownership attribute assigns a recorded room;
    /// `None` if it does not, or if the room was imported with that lineage.
    #[must_use]
    pub fn other_owner(
        &self,
        application: &Application,
        observed_room: &ObservedRoom,
    ) -> Option<Lineage> {
        let ownership = application.ownership()?;
        match ownership.owner(&observed_room.attributes) {
            Owner::Unknown | Owner::Ours => None,
            Owner::Other(other) => {
                let known = self.room.attributes.get(&ownership.key);
                known.is_none_or(|known| *known.value != other.0).then_some(other)
            }
        }
    }
}

impl Room {
    /// Returns this room with the attribute of this key from `other`.
    #[must_use]
    pub fn with_attribute_of(mut self, key: &str, other: &Attributes) -> Self {
        match other.get(key) {
            Some(attribute) => drop(self.attributes.insert(key, attribute.clone())),
            None => drop(self.attributes.remove(key)),
        }
        self
    }

    /// Returns this room without the attribute of this key.
    #[must_use]
    pub fn without_attribute(&self, key: Option<&str>) -> Cow<'_, Self> {
        match key.filter(|key| self.attributes.get(key).is_some()) {
            Some(key) => Cow::Owned(self.clone().with_attribute_of(key, &Attributes::EMPTY)),
            None => Cow::Borrowed(self),
        }
    }
}

/// Returns the reason why a room of another state is left as it is, used in all messages.
#[must_use]
pub fn belongs_to(key: &str, other: &Lineage) -> String {
    format!("its ownership attribute `{key}` contains the lineage {other} of another state")
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::samples::attributes;
    use super::*;

    const OURS: &str = "7e9bb6ff-0d44-4ef7-9df9-7f1f5b8a1f44";
    const OTHER: &str = "00000000-0000-4000-8000-000000000000";

    #[test]
    fn only_a_lineage_names_an_owner() {
        let ownership = Ownership::new("by").of_lineage(Lineage(OURS.to_owned()));
        let owner = |pairs: &[(&str, &str)]| ownership.owner(&attributes(pairs));
        assert_eq!(owner(&[("by", OURS)]), Owner::Ours);
        assert_eq!(owner(&[("by", OTHER)]), Owner::Other(Lineage(OTHER.to_owned())));
        for pairs in [&[][..], &[("by", "backend")], &[("to", OTHER)], &[("by", &OTHER[1..])]] {
            assert_eq!(owner(pairs), Owner::Unknown, "{pairs:?}");
        }
        let unknown = Ownership::new("by").owner(&attributes(&[("by", OURS)]));
        assert_eq!(unknown, Owner::Other(Lineage(OURS.to_owned())), "a new state owns nothing");
    }

    #[test]
    fn a_room_gets_the_attribute_if_the_lineage_is_known() {
        let room = Arc::new(Room { attributes: attributes(&[("a", "1")]), ..Room::default() });
        let ownership = Ownership::new("by");
        assert!(Arc::ptr_eq(&ownership.mark(&room), &room));
        let marked = ownership.of_lineage(Lineage(OURS.to_owned())).mark(&room);
        assert_eq!(marked.attributes, attributes(&[("a", "1"), ("by", OURS)]));
        assert_eq!(*marked.without_attribute(Some("by")), *room);
    }

    #[test]
    fn only_kinds_with_attributes_have_an_ownership_attribute() {
        for kind in Kind::ALL {
            let application = Application::new(*kind, None).with_ownership_attribute("by");
            assert_eq!(application.ownership().is_some(), *kind != Kind::Rtc, "{kind}");
        }
    }

    #[test]
    fn other_texts_are_not_a_lineage() {
        let upper = OURS.to_uppercase();
        for text in ["", "x", &OURS[1..], &format!("{OURS}0"), &upper, &OURS.replace('-', "0")] {
            assert_eq!(text.parse::<Lineage>(), Err(InvalidLineage), "{text}");
        }
        assert_eq!(OURS.parse(), Ok(Lineage(OURS.to_owned())));
    }
}
