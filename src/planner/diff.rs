//! The differences of two rooms, and the attribute changes that bring one in line with the other.

use std::borrow::Cow;

use crate::model::{
    Attribute, AttributeChange, Attributes, Change, Field, Fields, Kind, Patch, Room, Value,
    ValueRef,
};

/// Returns the recorded room, with the fields that the service reports as declared already: the service
/// may have chosen them, or another client may have set them.
pub(super) fn known<'a>(
    recorded: &'a Room,
    declared: &Room,
    reported: Option<&Fields>,
) -> Cow<'a, Room> {
    let mut known = Cow::Borrowed(recorded);
    for (field, value) in reported.into_iter().flat_map(Fields::iter) {
        let declared = declared.value(field);
        if declared == Some(value.by_ref()) && recorded.value(field) != declared {
            known.to_mut().set(field, Some(value.clone()));
        }
    }
    known
}

/// Returns the reported fields that can be changed in place.
pub(super) fn changeable(kind: Kind, reported: &Fields) -> Fields {
    let in_place = |field| kind.change_of(field) == Some(Change::InPlace);
    let reported = reported.iter().filter(|(field, _)| in_place(*field));
    reported.map(|(field, value)| (field, value.clone())).collect()
}

/// Returns the fields that only a new room could have as declared, by what the service reported.
pub(super) fn fixed_fields(kind: Kind, reported: &Fields, declared: &Room) -> Vec<&'static str> {
    let differs = |(field, value): &(Field, &Value)| {
        kind.change_of(*field) == Some(Change::Replace)
            && declared.value(*field).is_some_and(|declared| declared != value.by_ref())
    };
    reported.iter().filter(differs).map(|(field, _)| field.as_str()).collect()
}

/// Returns the first field that differs, whether it changes in place or not.
pub(super) fn changed(kind: Kind, recorded: &Room, declared: &Room) -> Option<Field> {
    kind.fields().find(|field| recorded.differs(kind, *field, declared))
}

/// Returns the room that results from changing `present` to `declared`, including what the file no
/// longer declares and the service keeps.
pub(super) fn after_change(kind: Kind, present: &Room, declared: &Room) -> Room {
    let mut room = declared.clone();
    if kind.keeps_undeclared() {
        for field in kind.fields().filter(|field| declared.value(*field).is_none()) {
            room.set(field, present.value(field).map(ValueRef::to_value));
        }
    }
    room
}

/// Returns the attributes of `read` that we manage: the keys that the file declares, and the keys that
/// we set earlier.
pub(super) fn managed(
    read: &Attributes,
    declared: Option<&Attributes>,
    set_earlier: &Attributes,
) -> Attributes {
    let ours = |key: &str| {
        set_earlier.get(key).is_some() || declared.is_some_and(|keys| keys.get(key).is_some())
    };
    read.iter().filter(|(key, _)| ours(key)).map(|(key, value)| (key, value.clone())).collect()
}

/// The attributes of one room: declared, recorded and observed.
#[derive(Clone, Copy, Debug)]
pub(super) struct AttributeDiff<'a> {
    /// What the file declares.
    pub(super) declared: &'a Attributes,
    /// What we set earlier, as recorded.
    pub(super) set_earlier: &'a Attributes,
    /// What the service has, including attributes of others; `None` if it was not queried.
    pub(super) seen: Option<&'a Attributes>,
}

impl AttributeDiff<'_> {
    /// Returns whether all three are equal, which is the usual case.
    pub(super) fn agree(&self) -> bool {
        self.declared == self.set_earlier && self.seen.is_none_or(|seen| seen == self.declared)
    }

    /// Returns the keys that we manage, with the values that the service has.
    pub(super) fn managed(&self) -> Attributes {
        managed(self.present(), Some(self.declared), self.set_earlier)
    }

    /// Returns the changes that bring the service in line, deletes first.
    ///
    /// It is one call, unless the service does not accept deletes and sets in one call, or the room is
    /// so full that the new keys fit only after the deletes.
    pub(super) fn batches(&self, kind: Kind, limit: usize) -> Vec<Patch> {
        let (deletes, sets) = (self.deletes(), self.sets());
        let crowded = self.present().len() + self.new_keys(&sets) > limit;
        let batches = if crowded || !kind.mixes_attribute_changes() {
            vec![deletes, sets]
        } else {
            vec![deletes.into_iter().chain(sets).collect()]
        };
        let batches = batches.into_iter().filter(|batch: &Vec<_>| !batch.is_empty());
        batches.map(Patch::Attributes).collect()
    }

    /// Returns the number of attributes after the changes, including those of others.
    pub(super) fn count_after(&self) -> usize {
        let (deletes, sets) = (self.deletes(), self.sets());
        self.present().len() - deletes.len() + self.new_keys(&sets)
    }

    fn present(&self) -> &Attributes {
        self.seen.unwrap_or(self.set_earlier)
    }

    fn deletes(&self) -> Vec<AttributeChange> {
        let dropped = |key: &str| self.declared.get(key).is_none();
        let there = |key: &str| self.present().get(key).is_some();
        let keys = self.set_earlier.iter().map(|(key, _)| key);
        keys.filter(|key| dropped(key) && there(key))
            .map(|key| AttributeChange::Delete(key.into()))
            .collect()
    }

    fn sets(&self) -> Vec<AttributeChange> {
        let differs = |(key, value): &(&str, &Attribute)| {
            self.present().get(key) != Some(*value) && !self.is_auto_deleted(key, value)
        };
        let set =
            |(key, value): (&str, &Attribute)| AttributeChange::Set(key.into(), value.clone());
        self.declared.iter().filter(differs).map(set).collect()
    }

    /// Returns whether an `auto_delete` attribute was removed by the service because its user left,
    /// which is not drift.
    fn is_auto_deleted(&self, key: &str, value: &Attribute) -> bool {
        value.auto_delete
            && self.set_earlier.get(key) == Some(value)
            && self.present().get(key).is_none()
    }

    fn new_keys(&self, sets: &[AttributeChange]) -> usize {
        sets.iter().filter(|set| self.present().get(set.key()).is_none()).count()
    }
}
