//! What a replace takes from the room that it destroys to the one that it creates: kept on record, so
//! that a crash in between loses neither the room nor the attributes of others.

use std::sync::Arc;

use super::origin::with_carried;
use super::{
    Attribute, AttributeLimits, Attributes, Field, Kind, NextLife, RecordedRoom, Room, Timestamp,
};

impl RecordedRoom {
    /// The attributes of others that the room gets once it is made anew, or that a new room still
    /// lacks.
    #[must_use]
    pub fn carried(&self) -> &Attributes {
        const NONE: &Attributes = &Attributes::EMPTY;
        self.next.as_deref().map_or(NONE, |next| &next.carried)
    }

    /// Whether a replace destroyed the room and has not made it anew yet.
    #[must_use]
    pub fn is_destroyed(&self) -> bool {
        self.next.as_deref().is_some_and(|next| next.destroyed.is_some())
    }

    /// What waits until the present life of this room, which is of this kind, is over: a room that only a
    /// new life can make it, or that it is forgotten.
    #[must_use]
    pub fn waiting_next(&self, kind: Kind) -> Option<&NextLife> {
        let next = self.next.as_deref().filter(|next| next.destroyed.is_none())?;
        let waits = |room: &Arc<Room>| self.room.replaced_for(kind, room).is_some();
        next.room.as_ref().is_none_or(waits).then_some(next)
    }

    /// The room that this one is still to become in place, since only a part of the calls that make it was
    /// done; `None` if it is whole.
    #[must_use]
    pub fn unfinished(&self, kind: Kind) -> Option<&Arc<Room>> {
        let next = self.next.as_deref().filter(|next| next.destroyed.is_none())?;
        let room = next.room.as_ref()?;
        let in_parts = kind.spec().fields.iter().any(|spec| !spec.sent_by_create);
        let lacks = || !self.room.patches_towards(kind, room).is_empty();
        (in_parts && self.waiting_next(kind).is_none() && lacks()).then_some(room)
    }

    /// This record with `room` as what is still to be made of it in place, if something was; what waits for
    /// the next life stays.
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

    /// This record once nothing is left to be made of the room in place; what waits for the next life
    /// and what others wrote and is still to be set again stay.
    #[must_use]
    pub fn finished(&self, kind: Kind) -> Self {
        let is_over =
            |next: &NextLife| next.destroyed.is_none() && self.waiting_next(kind).is_none();
        if self.next.as_deref().is_some_and(is_over) { self.with_next(None) } else { self.clone() }
    }

    /// This record with another room that waits for its next life, or none; what others wrote and is still
    /// to be set again stays.
    #[must_use]
    pub fn with_next(&self, room: Option<Arc<Room>>) -> Self {
        let carried = self.carried().clone();
        let own = || (!carried.is_empty()).then(|| self.room.clone());
        let room = room.or_else(own);
        let next = room.map(|room| NextLife { room: Some(room), carried, destroyed: None });
        Self { next: next.map(Box::new), ..self.clone() }
    }

    /// This record under a replace that makes the room `after` and carries attributes of others over.
    #[must_use]
    pub fn replaced_by(&self, after: Arc<Room>, carried: Attributes) -> Self {
        let next = NextLife { room: Some(after), carried, destroyed: None };
        Self { next: Some(Box::new(next)), ..self.clone() }
    }

    /// What stays on record once the room was destroyed: the room that a replace makes next.
    #[must_use]
    pub fn after_destroy(&self, at: Timestamp) -> Option<Self> {
        let next = self.next.as_deref()?;
        next.room.as_ref()?;
        let next = NextLife { destroyed: Some(at), ..next.clone() };
        Some(Self { next: Some(Box::new(next)), ..self.settled() })
    }

    /// This record with nothing pending.
    #[must_use]
    pub fn settled(&self) -> Self {
        Self { pending: None, ..self.clone() }
    }

    /// This record once the room was made. What the call that makes a room of this kind does not take
    /// along is still to be set: fields, and attributes, those of others too.
    #[must_use]
    pub fn made(&self, kind: Kind) -> Self {
        let next = self.next.as_deref();
        let next = next.map(|next| Box::new(NextLife { destroyed: None, ..next.clone() }));
        let made = Self { next, ..self.settled() };
        let carries = !kind.made_with(Field::Attributes) && !made.carried().is_empty();
        if carries || made.unfinished(kind).is_some() { made } else { Self { next: None, ..made } }
    }

    /// The attributes that the call that makes the room takes along, those of others too.
    #[must_use]
    pub fn sent_attributes(&self, kind: Kind) -> Attributes {
        if kind.made_with(Field::Attributes) {
            with_carried(&self.room.attributes, self.carried())
        } else {
            self.room.attributes.clone()
        }
    }

    /// This record after a change that set attributes of others: they are not ours, and `ours` says
    /// which were before. Nothing is left to carry over once all of them are there; a room that waits for
    /// the next life goes on waiting.
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
    /// Those of the attributes that were read that others wrote, and that a replace by `wanted` carries
    /// over: neither declared nor set by us earlier, or named by `ignore_changes`, and not going with their
    /// user. What an earlier
    /// replace has not set again yet is among them.
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

/// Why a new room cannot hold both the attributes that are wanted and those of others, in a sentence
/// that names the keys; `None` where it can.
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
        "what others wrote cannot be set again in the new room ({}): {why}; delete some of it, \
         declare fewer attributes, or raise the provider's `limits`",
        keys.join(", ")
    ))
}
