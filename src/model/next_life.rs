//! What a replace takes over from the room that it destroys to the one that it creates. It is recorded,
//! so that a crash in between loses neither the room nor the attributes of others.

use std::sync::Arc;

use super::origin::with_carried;
use super::{
    Attribute, AttributeLimits, Attributes, Field, Kind, NextLife, RecordedRoom, Room, Timestamp,
};

impl RecordedRoom {
    /// Returns the attributes of others that a replace still has to set in the new room.
    #[must_use]
    pub fn carried(&self) -> &Attributes {
        const NONE: &Attributes = &Attributes::EMPTY;
        self.next.as_deref().map_or(NONE, |next| &next.carried)
    }

    /// Returns whether a replace destroyed the room and has not recreated it yet.
    #[must_use]
    pub fn is_destroyed(&self) -> bool {
        self.next.as_deref().is_some_and(|next| next.destroyed.is_some())
    }

    /// Returns the next life that waits for the end of the present life: a room that only a replace can
    /// make, or that the room is to be forgotten.
    #[must_use]
    pub fn waiting_next(&self, kind: Kind) -> Option<&NextLife> {
        let next = self.next.as_deref().filter(|next| next.destroyed.is_none())?;
        let waits = |room: &Arc<Room>| self.room.replaced_for(kind, room).is_some();
        next.room.as_ref().is_none_or(waits).then_some(next)
    }

    /// Returns the complete room, if only some of the calls that make it were done and the others
    /// change it in place; `None` if it is complete.
    #[must_use]
    pub fn unfinished(&self, kind: Kind) -> Option<&Arc<Room>> {
        let next = self.next.as_deref().filter(|next| next.destroyed.is_none())?;
        let room = next.room.as_ref()?;
        let in_parts = kind.spec().fields.iter().any(|spec| !spec.sent_by_create);
        let lacks = || !self.room.patches_towards(kind, room).is_empty();
        (in_parts && self.waiting_next(kind).is_none() && lacks()).then_some(room)
    }

    /// Returns this record with `room` as the complete room, if it is unfinished. A next life that
    /// waits is kept.
    #[must_use]
    pub fn continued_towards(&self, kind: Kind, room: &Arc<Room>) -> Self {
        match self.next.as_deref() {
            Some(next) if next.destroyed.is_none() && self.waiting_next(kind).is_none() => {
                let next = NextLife { room: Some(Arc::clone(room)), ..next.clone() };
                Self { next: Some(Box::new(next)), ..self.clone() }
            }
            Some(_) | None => self.clone(),
        }
    }

    /// Returns this record after the room was completed in place. A next life that waits, and
    /// attributes of others that are still to be set again, are kept.
    #[must_use]
    pub fn finished(&self, kind: Kind) -> Self {
        let is_over =
            |next: &NextLife| next.destroyed.is_none() && self.waiting_next(kind).is_none();
        if self.next.as_deref().is_some_and(is_over) { self.with_next(None) } else { self.clone() }
    }

    /// Returns this record with another room that waits for the next life, or none. Attributes of
    /// others that are still to be set again are kept.
    #[must_use]
    pub fn with_next(&self, room: Option<Arc<Room>>) -> Self {
        let carried = self.carried().clone();
        let own = || (!carried.is_empty()).then(|| self.room.clone());
        let room = room.or_else(own);
        let next = room.map(|room| NextLife { room: Some(room), carried, destroyed: None });
        Self { next: next.map(Box::new), ..self.clone() }
    }

    /// Returns this record under a replace that makes the room `after` and carries over attributes of
    /// others.
    #[must_use]
    pub fn replaced_by(&self, after: Arc<Room>, carried: Attributes) -> Self {
        let next = NextLife { room: Some(after), carried, destroyed: None };
        Self { next: Some(Box::new(next)), ..self.clone() }
    }

    /// Returns the record after the room was destroyed: the room that a replace makes next; `None` if
    /// there is none.
    #[must_use]
    pub fn after_destroy(&self, at: Timestamp) -> Option<Self> {
        let next = self.next.as_deref()?;
        next.room.as_ref()?;
        let next = NextLife { destroyed: Some(at), ..next.clone() };
        Some(Self { next: Some(Box::new(next)), ..self.settled() })
    }

    /// Returns this record without a pending call.
    #[must_use]
    pub fn settled(&self) -> Self {
        Self { pending: None, ..self.clone() }
    }

    /// Returns this record after the room was made. The fields and attributes, including those of
    /// others, that the creating call of this kind does not send are still to be set.
    #[must_use]
    pub fn made(&self, kind: Kind) -> Self {
        let next = self.next.as_deref();
        let next = next.map(|next| Box::new(NextLife { destroyed: None, ..next.clone() }));
        let made = Self { next, ..self.settled() };
        let carries = !kind.made_with(Field::Attributes) && !made.carried().is_empty();
        if carries || made.unfinished(kind).is_some() { made } else { Self { next: None, ..made } }
    }

    /// Returns the attributes that the creating call sends, including those of others.
    #[must_use]
    pub fn sent_attributes(&self, kind: Kind) -> Attributes {
        if kind.made_with(Field::Attributes) {
            with_carried(&self.room.attributes, self.carried())
        } else {
            self.room.attributes.clone()
        }
    }

    /// Returns this record after a change that set attributes of others: they are removed from the
    /// record, unless `ours` has them. Once all of them are set, none are carried any more. A next life
    /// that waits is kept.
    #[must_use]
    pub fn disowning_carried(&self, kind: Kind, ours: &Attributes) -> Self {
        if self.carried().is_empty() {
            return self.clone();
        }
        let there = &self.room.attributes;
        let arrived = self.carried().iter().all(|(key, _)| there.get(key).is_some());
        let carried = |key: &str| self.carried().get(key).is_some() && ours.get(key).is_none();
        let kept = there.iter().filter(|(key, _)| !carried(key));
        let attributes = kept.map(|(key, attribute)| (key, attribute.clone())).collect();
        let without_carried =
            |next: &NextLife| Box::new(NextLife { carried: Attributes::EMPTY, ..next.clone() });
        let next =
            if arrived { self.waiting_next(kind).map(without_carried) } else { self.next.clone() };
        let room = Arc::new(Room { attributes, ..self.room.as_ref().clone() });
        Self { room, next, ..self.clone() }
    }
}

impl RecordedRoom {
    /// Returns the attributes of others among those that were read, which a replace to `wanted` carries
    /// over: neither declared nor set by us, or named by `ignore_changes`, and not `auto_delete`. Those
    /// that an earlier replace has not set again yet are included.
    #[must_use]
    pub fn others(&self, wanted: &Attributes, read: &Attributes) -> Attributes {
        let all = with_carried(self.carried(), read);
        let ours = |key: &str| {
            wanted.get(key).or(self.room.attributes.get(key)).is_some()
                && !self.ignores_attribute(key)
        };
        let others = all.iter().filter(|(key, it)| !ours(key) && !it.auto_delete);
        others.map(|(key, attribute)| (key, attribute.clone())).collect()
    }
}

/// Returns why a new room cannot have both the wanted attributes and those of others, in a sentence
/// with the keys; `None` if it can.
#[must_use]
pub fn over_limits(
    limits: AttributeLimits,
    wanted: &Attributes,
    carried: &Attributes,
) -> Option<String> {
    let AttributeLimits { attributes, key_bytes, value_bytes, total_bytes } = limits;
    let all = with_carried(wanted, carried);
    let names = |which: &dyn Fn(&str, &Attribute) -> bool| -> Vec<String> {
        let named = carried.iter().filter(|(key, it)| which(key, it));
        named.map(|(key, _)| format!("`{key}`")).collect()
    };
    let checks = [
        (names(&|key, _| key.len() > key_bytes), format!("a key has at most {key_bytes} bytes")),
        (
            names(&|_, it| it.value.len() > value_bytes),
            format!("a value has at most {value_bytes} bytes"),
        ),
        (
            names(&|_, _| all.len() > attributes),
            format!("the new room would have {} of {attributes} attributes", all.len()),
        ),
        (
            names(&|_, _| all.total_bytes() > total_bytes),
            format!("all of them would have {} of {total_bytes} bytes", all.total_bytes()),
        ),
    ];
    let (keys, why) = checks.into_iter().find(|(keys, _)| !keys.is_empty())?;
    Some(format!(
        "attributes of others cannot be set again in the new room ({}): {why}; delete some of them, \
         declare fewer attributes, or raise the provider's `limits`",
        keys.join(", ")
    ))
}
