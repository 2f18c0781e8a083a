//! The content of a room of any kind.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    Attributes, Change, Field, FieldSpec, Fields, Kind, OtherFields, Patch, Value, ValueRef,
};

/// The content of a room: what the file declares, or what was last sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// The display name. ZIM: at most 64 bytes; no query returns it.
    pub name: Option<Box<str>>,
    /// How long the room lives while it is empty. ZIM: no query returns it; `None` means no time.
    pub destroy_delay_time: Option<Delay>,
    /// The attributes that we manage.
    pub attributes: Attributes,
    /// The fields that only some kinds have.
    pub fields: OtherFields,
}

/// A duration in whole seconds: `90`, `90s`, `15m` or `3h` in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Delay(u32);

/// Why a text is not a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write whole seconds (`90`), or `90s`, `15m`, `3h`")]
pub struct DelayError;

impl Room {
    /// Returns how long the service keeps this room while it is empty.
    #[must_use]
    pub fn delay(&self) -> Duration {
        self.destroy_delay_time.map_or(Duration::ZERO, Delay::as_duration)
    }

    /// Returns the value of `field`, or `None` if it is not set. The attributes are always set,
    /// possibly empty.
    #[must_use]
    pub fn value(&self, field: Field) -> Option<ValueRef<'_>> {
        if field == Field::Name {
            self.name.as_deref().map(ValueRef::Text)
        } else if field == Field::DestroyDelayTime {
            self.destroy_delay_time.map(ValueRef::Delay)
        } else if field == Field::Attributes {
            Some(ValueRef::Attributes(&self.attributes))
        } else {
            self.fields.of(field).map(Value::by_ref)
        }
    }

    /// Sets or removes a field. A value of another type than the field's removes the name, the delay or
    /// the attributes.
    pub fn set(&mut self, field: Field, value: Option<Value>) {
        match (field, value) {
            (Field::Name, Some(Value::Text(name))) => self.name = Some(name),
            (Field::Name, _) => self.name = None,
            (Field::DestroyDelayTime, Some(Value::Delay(delay))) => {
                self.destroy_delay_time = Some(delay);
            }
            (Field::DestroyDelayTime, _) => self.destroy_delay_time = None,
            (Field::Attributes, Some(Value::Attributes(attributes))) => {
                self.attributes = attributes;
            }
            (Field::Attributes, _) => self.attributes = Attributes::EMPTY,
            (other, value) => self.fields.set(other, value),
        }
    }

    /// Sets a field to its value in `other`.
    pub fn copy(&mut self, field: Field, other: &Self) {
        self.set(field, other.value(field).map(ValueRef::to_value));
    }

    /// Returns this room with all fields that change in place taken from `known`.
    #[must_use]
    pub fn with_changeable_of(&self, kind: Kind, known: &Self) -> Self {
        let mut room = self.clone();
        let fields = kind.spec().fields.iter();
        for spec in fields.filter(|spec| spec.change == Change::InPlace) {
            room.copy(spec.field, known);
        }
        room
    }

    /// Returns this room with every value of `target` that `read` has too.
    #[must_use]
    pub fn with_reached(&self, target: &Self, read: &Self) -> Self {
        let mut room = self.clone();
        for field in Field::ALL.iter().filter(|field| **field != Field::Attributes) {
            if read.value(*field) == target.value(*field) {
                room.copy(*field, target);
            }
        }
        for (key, _) in self.attributes.iter().chain(target.attributes.iter()) {
            if read.attributes.get(key) == target.attributes.get(key) {
                room.attributes.copy(key, &target.attributes);
            }
        }
        room
    }

    /// Returns this room with the values of its set fields that were read.
    #[must_use]
    pub fn as_read(&self, read: &Fields) -> Self {
        let mut room = self.clone();
        for (field, value) in read.iter().filter(|(field, _)| self.value(*field).is_some()) {
            room.set(field, Some(value.clone()));
        }
        room
    }

    /// Returns whether no value that was read contradicts this room.
    #[must_use]
    pub fn agrees(&self, read: &Fields) -> bool {
        let agrees = |(field, read): (Field, &Value)| {
            self.value(field).is_none_or(|ours| ours == read.by_ref())
        };
        read.iter().all(agrees)
    }

    /// Returns whether `field` of a room of this kind has to change to match `desired`.
    #[must_use]
    pub fn differs(&self, kind: Kind, field: Field, desired: &Self) -> bool {
        match desired.value(field) {
            None if kind.keeps_undeclared() => false,
            value => self.value(field) != value,
        }
    }

    /// Returns the first field that differs and whose change to `desired` needs a replace.
    #[must_use]
    pub fn replaced_for(&self, kind: Kind, desired: &Self) -> Option<Field> {
        let needs_replace = |spec: &&FieldSpec| {
            spec.change == Change::Replace && self.differs(kind, spec.field, desired)
        };
        kind.spec().fields.iter().find(needs_replace).map(|spec| spec.field)
    }

    /// Returns what the call that makes a room of this kind sets.
    #[must_use]
    pub fn made_by_its_call(self: &Arc<Self>, kind: Kind) -> Arc<Self> {
        let fields = kind.spec().fields;
        if fields.iter().all(|spec| spec.sent_by_create) {
            return Arc::clone(self);
        }
        let mut made = Self::default();
        for spec in fields.iter().filter(|spec| spec.sent_by_create) {
            made.copy(spec.field, self);
        }
        Arc::new(made)
    }

    /// Returns the change of fields, without attributes, that changes a room of this kind to `desired`
    /// in place, or `None` if there is none.
    #[must_use]
    pub fn field_patch(&self, kind: Kind, desired: &Self) -> Option<Patch> {
        let changed = |spec: &&FieldSpec| {
            spec.change == Change::InPlace
                && spec.field != Field::Attributes
                && self.differs(kind, spec.field, desired)
        };
        let changed = kind.spec().fields.iter().filter(changed).map(|spec| spec.field);
        let value = |field| Some((field, desired.value(field)?.to_value()));
        let fields: Fields = changed.filter_map(value).collect();
        (!fields.is_empty()).then_some(Patch::Fields(fields))
    }

    /// Returns the changes that set everything of `wanted` in a room of this kind, without removing
    /// anything.
    #[must_use]
    pub fn patches_towards(&self, kind: Kind, wanted: &Self) -> Vec<Patch> {
        let sets = self.attributes.sets_towards(&wanted.attributes);
        let sets = (!sets.is_empty()).then_some(Patch::Attributes(sets));
        self.field_patch(kind, wanted).into_iter().chain(sets).collect()
    }

    /// Applies one change, except for the attributes that `failed` contains.
    pub fn apply(&mut self, patch: &Patch, failed: &[(String, i64)]) {
        match patch {
            Patch::Attributes(changes) => {
                let done = |key: &str| !failed.iter().any(|(failed, _)| failed == key);
                for change in changes.iter().filter(|change| done(change.key())) {
                    self.attributes.apply(change);
                }
            }
            Patch::Fields(fields) => {
                for (field, value) in fields.iter() {
                    self.set(field, Some(value.clone()));
                }
            }
        }
    }
}

impl FromIterator<(Field, Value)> for Room {
    fn from_iter<I: IntoIterator<Item = (Field, Value)>>(pairs: I) -> Self {
        let mut room = Self::default();
        for (field, value) in pairs {
            room.set(field, Some(value));
        }
        room
    }
}

impl Delay {
    /// Makes a duration of seconds.
    #[must_use]
    pub const fn from_seconds(seconds: u32) -> Self {
        Self(seconds)
    }

    /// Returns the duration in seconds.
    #[must_use]
    pub const fn as_seconds(self) -> u32 {
        self.0
    }

    /// Returns it as a [`Duration`].
    #[must_use]
    pub fn as_duration(self) -> Duration {
        Duration::from_secs(u64::from(self.0))
    }
}

impl FromStr for Delay {
    type Err = DelayError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (digits, unit) = match text.as_bytes().last() {
            Some(b's') => (&text[..text.len() - 1], 1),
            Some(b'm') => (&text[..text.len() - 1], 60),
            Some(b'h') => (&text[..text.len() - 1], 3600),
            _ => (text, 1),
        };
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(DelayError);
        }
        let count: u32 = digits.parse().map_err(|_| DelayError)?;
        count.checked_mul(unit).map(Self).ok_or(DelayError)
    }
}

impl fmt::Display for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("0s"),
            seconds if seconds % 3600 == 0 => write!(f, "{}h", seconds / 3600),
            seconds if seconds % 60 == 0 => write!(f, "{}m", seconds / 60),
            seconds => write!(f, "{seconds}s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Attribute, AttributeChange};
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    fn room(fields: &[(Field, Value)], topic: Option<&str>) -> Room {
        let attribute = |value: &str| Attribute { value: value.into(), auto_delete: false };
        let attributes = topic.map(|topic| ("topic", attribute(topic))).into_iter().collect();
        let mut room = Room { attributes, ..Room::default() };
        for (field, value) in fields {
            room.set(*field, Some(value.clone()));
        }
        room
    }

    #[test]
    fn every_field_can_be_set_and_read() {
        let attributes = room(&[], Some("c")).attributes;
        let mut room = Room::default();
        for field in Field::ALL {
            let value = if *field == Field::DestroyDelayTime {
                Value::Delay(Delay::from_seconds(90))
            } else if *field == Field::Attributes {
                Value::Attributes(attributes.clone())
            } else {
                text("a")
            };
            room.set(*field, Some(value.clone()));
            assert_eq!(room.value(*field), Some(value.by_ref()), "{field}");
        }
        assert_eq!(room.name.as_deref(), Some("a"));
        assert_eq!((room.delay().as_secs(), &room.attributes), (90, &attributes));
        for field in Field::ALL {
            room.set(*field, None);
        }
        assert_eq!(room, Room::default());
    }

    #[test]
    fn the_creating_call_of_a_live_room_sets_no_notice_or_metadata() {
        let whole = [(Field::Name, text("a")), (Field::Notice, text("b"))];
        let whole = Arc::new(room(&whole, Some("c")));
        let made = whole.made_by_its_call(Kind::TencentLive);
        assert_eq!(*made, room(&[(Field::Name, text("a"))], None));
        assert!(Arc::ptr_eq(&whole, &whole.made_by_its_call(Kind::Zim)));
        let left = made.patches_towards(Kind::TencentLive, &whole);
        let mut room = (*made).clone();
        for patch in &left {
            room.apply(patch, &[]);
        }
        assert_eq!((left.len(), room), (2, (*whole).clone()));
    }

    #[test]
    fn an_undeclared_field_differs_only_if_the_kind_can_unset_it() {
        let named = room(&[(Field::Name, text("a"))], None);
        assert!(named.differs(Kind::Zim, Field::Name, &Room::default()));
        assert!(!named.differs(Kind::TencentLive, Field::Name, &Room::default()));
        let closing = room(&[(Field::CloseReason, text("a"))], None);
        assert!(closing.differs(Kind::Rtc, Field::CloseReason, &Room::default()));
    }

    #[test]
    fn fields_that_were_not_reported_do_not_contradict() {
        let ours = room(&[(Field::Name, text("a")), (Field::Muted, Value::Flag(true))], None);
        let read = |pairs: &[(Field, Value)]| pairs.iter().cloned().collect::<Fields>();
        assert!(ours.agrees(&read(&[])));
        assert!(ours.agrees(&read(&[(Field::Name, text("a")), (Field::Notice, text("x"))])));
        assert!(!ours.agrees(&read(&[(Field::Muted, Value::Flag(false))])));
        let seen = ours.as_read(&read(&[(Field::Name, text("b")), (Field::Notice, text("x"))]));
        assert_eq!(seen.value(Field::Name), Some(ValueRef::Text("b")));
        assert_eq!(seen.value(Field::Notice), None, "we do not manage it");
    }

    #[test]
    fn a_failed_key_is_not_applied() {
        let set = |key: &str| {
            let attribute = Attribute { value: "v".into(), auto_delete: false };
            AttributeChange::Set(key.into(), attribute)
        };
        let mut room = Room::default();
        room.apply(&Patch::Attributes(vec![set("a"), set("b")]), &[("b".to_owned(), 1)]);
        assert!(room.attributes.get("a").is_some() && room.attributes.get("b").is_none());
    }

    #[test]
    fn an_adopted_room_keeps_fields_that_need_a_replace() {
        let declared = room(&[(Field::Owner, text("ours")), (Field::Notice, text("ours"))], None);
        let known = room(&[(Field::Owner, text("theirs"))], Some("c"));
        let taken = declared.with_changeable_of(Kind::TencentLive, &known);
        assert_eq!(taken, room(&[(Field::Owner, text("ours"))], Some("c")));
    }

    #[test]
    fn durations_are_read_and_written_with_units() {
        for (text, seconds, back) in [
            ("90", 90, "90s"),
            ("90s", 90, "90s"),
            ("15m", 900, "15m"),
            ("3h", 10_800, "3h"),
            ("0", 0, "0s"),
        ] {
            let delay: Delay = text.parse().expect("a span");
            assert_eq!((delay.as_seconds(), delay.to_string().as_str()), (seconds, back));
        }
    }

    #[test]
    fn other_texts_are_not_durations() {
        for text in ["", "h", "-1", "+1", "1.5h", "1d", "99999999999", "4294967295h", "1 h", "٣h"]
        {
            assert_eq!(text.parse::<Delay>(), Err(DelayError), "{text}");
        }
    }
}
