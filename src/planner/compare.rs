//! Compares a room that is declared and recorded: unchanged, changed in place, or replaced.

use std::sync::Arc;

use crate::model::{
    Action, Attributes, Carried, Change, DesiredRoom, Field, Finding, Held, HeldReason, Kind,
    ObservedRoom, OnOccupied, Patch, Reason, RecordedRoom, Replace, Room, Step, ValueRef, dropped,
};

use super::diff;
use super::room_context::{Decision, RoomContext, Verdict};

/// Compares a declared room with its record, and with its observation if there is one.
pub(super) fn compare(
    context: &RoomContext<'_>,
    declared: &DesiredRoom,
    recorded: &RecordedRoom,
) -> Decision {
    // Rooms that are recorded as declared share one `Room` in memory, which keeps large plans fast.
    if context.observed_room().is_none() && Arc::ptr_eq(&declared.room, &recorded.room) {
        return as_recorded(context);
    }
    let reported = context.observed_room().map(|observed_room| &observed_room.fields);
    let known = diff::known(&recorded.room, &declared.room, reported);
    match known.replaced_for(context.kind(), &declared.room) {
        Some(field) => replace_room(context, declared, recorded, reason(field)),
        None => in_place(context, declared, recorded),
    }
}

/// Decides on a room that has to be replaced, now or after its present life. An equal recorded next life
/// is kept while the replace is held back.
fn replace_room(
    context: &RoomContext<'_>,
    declared: &DesiredRoom,
    recorded: &RecordedRoom,
    reason: Reason,
) -> Decision {
    let step = context.make_step(Action::Replace, reason);
    let waits = match context.inputs.desired.policy.replace {
        Replace::Now => context.waiting_room(recorded) == Some(&declared.room),
        Replace::OnNextVanish => true,
    };
    let context = context.with_next(waits.then(|| declared.room.clone()));
    let instead = in_place_meanwhile(&context, declared, recorded).map(Box::new);
    match context.inputs.desired.policy.replace {
        Replace::Now => hold_or_step(Step { instead, ..step }),
        Replace::OnNextVanish => {
            let step = Step { carried: Carried::Nothing, ..step };
            Verdict::Held(Held { step, reason: HeldReason::NextLife }, instead).into()
        }
    }
}

/// Returns the step for what can change in place of a room that has to be replaced, to be done while
/// the replace is held back or waits.
fn in_place_meanwhile(
    context: &RoomContext<'_>,
    declared: &DesiredRoom,
    recorded: &RecordedRoom,
) -> Option<Step> {
    let room = Arc::new(recorded.room.with_changeable_of(context.kind(), &declared.room));
    match in_place(context, &DesiredRoom { room, ..declared.clone() }, recorded).verdict {
        Verdict::Step(step) => Some(step),
        Verdict::LeaveAlone | Verdict::Keep | Verdict::Held(..) | Verdict::Unread(_) => None,
    }
}

/// Destroys a room that is no longer declared.
pub(super) fn destroy(context: &RoomContext<'_>) -> Decision {
    let before = context.present();
    hold_or_step(context.step(Action::Destroy, Reason::NotDeclared, before, None, Vec::new()))
}

/// Plans a destroy or a replace; it is held back if the room is protected or people are inside.
fn hold_or_step(mut step: Step) -> Decision {
    let occupied = step.on_occupied == OnOccupied::Defer && step.people.any();
    let reason = if step.lifecycle.prevent_destroy {
        HeldReason::PreventDestroy
    } else if occupied {
        HeldReason::Occupied(step.people)
    } else {
        return Verdict::Step(step).into();
    };
    let instead = step.instead.take();
    Verdict::Held(Held { step, reason }, instead).into()
}

/// Returns what is known of a room that we did not make: the attributes that we will manage, and the
/// declared fields that the service reports. A field that only a new room could have as declared is
/// taken as declared; a finding reports it separately.
pub(super) fn known_content(
    kind: Kind,
    attributes: Attributes,
    declared: &Room,
    seen: &ObservedRoom,
) -> Arc<Room> {
    let mut room = Room { attributes, ..Room::default() };
    for (field, value) in seen.fields.iter().filter(|(it, _)| declared.value(*it).is_some()) {
        let fixed = kind.change_of(field) == Some(Change::Replace);
        let value = if fixed { declared.value(field) } else { Some(value.by_ref()) };
        room.set(field, value.map(ValueRef::to_value));
    }
    Arc::new(room)
}

/// Returns a warning if a room gets more attributes than the service accepts. It is only a warning
/// because the service's answer decides.
pub(super) fn over_limit(context: &RoomContext<'_>, count: usize) -> Option<Finding> {
    let limit = context.provider.limits.attributes;
    let message = || {
        format!(
            "{} would have {count} attributes, including those of others, and the service accepts {limit}",
            context.address
        )
    };
    (count > limit).then(|| {
        Finding::warning("attributes_over_limit", message())
            .help("declare fewer, or raise the provider's `limits: {attributes: …}` if the service accepts \
                   more")
            .about(context.address)
    })
}

fn in_place(
    context: &RoomContext<'_>,
    declared: &DesiredRoom,
    recorded: &RecordedRoom,
) -> Decision {
    let kind = context.kind();
    let attributes = diff::AttributeDiff {
        declared: &declared.room.attributes,
        set_earlier: &recorded.room.attributes,
        seen: context.observed_room().map(|observed_room| &observed_room.attributes),
    };
    let changed = diff::changed(kind, &recorded.room, &declared.room);
    let reported = context.observed_room().map(|observed_room| &observed_room.fields);
    let carried = still_to_set(context, declared, recorded);
    let equal = attributes.agree() && changed.is_none() && carried.is_empty();
    if equal && reported.is_none_or(|reported| recorded.room.agrees(reported)) {
        return as_recorded(context);
    }
    let present = context.present().unwrap_or_default();
    let fields = present.field_patch(kind, &declared.room);
    let batches = attributes.batches(kind, context.provider.limits.attributes);
    let drifted = fields.is_some();
    let sets = Attributes::EMPTY.sets_towards(&carried);
    let sets = (!sets.is_empty()).then_some(Patch::Attributes(sets));
    let patches: Vec<Patch> = fields.into_iter().chain(batches).chain(sets).collect();
    let own = context.ownership_keys();
    let reason = match changed {
        Some(Field::Attributes) if own.differ_alone(&recorded.room, &declared.room) => {
            Reason::OwnershipChanged
        }
        Some(field) => reason(field),
        None if drifted => Reason::FieldsDrifted,
        None => Reason::AttributesDrifted,
    };
    let action = match (patches.is_empty(), changed) {
        (true, None) => {
            return as_recorded(context).with_finding(fields_drifted(context, &declared.room));
        }
        (false, None) if !drifted && lost_all_attributes(context, recorded) => {
            return attributes_dropped(context);
        }
        // The service has the declared values already: only the record changes.
        (true, Some(_)) => Action::Record,
        (false, _) => Action::Update,
    };
    let after = Arc::new(diff::after_change(kind, &present, &declared.room));
    let mut step = context.step(action, reason, Some(present), Some(after), patches);
    if !carried.is_empty() {
        step.carried = Carried::Known(carried);
    }
    let finding = fields_drifted(context, &declared.room)
        .or_else(|| over_limit(context, attributes.count_after()));
    Decision { finding, verdict: Verdict::Step(step) }
}

/// Returns the attributes of others that a replace has not yet set again in the new room. Only those
/// known to be missing: others may have set them again meanwhile.
fn still_to_set(
    context: &RoomContext<'_>,
    declared: &DesiredRoom,
    recorded: &RecordedRoom,
) -> Attributes {
    let Some(observed_room) = context.observed_room() else { return Attributes::EMPTY };
    let others = recorded.others(&declared.room.attributes, &Attributes::EMPTY);
    let missing = others.iter().filter(|(key, _)| observed_room.attributes.get(key).is_none());
    missing.map(|(key, attribute)| (key, attribute.clone())).collect()
}

/// Returns a warning if the service has a field otherwise than the file, and only a new room could have
/// it as declared. The room is left as it is, since a replace would disconnect its people for a change
/// that we did not make.
pub(super) fn fields_drifted(context: &RoomContext<'_>, declared: &Room) -> Option<Finding> {
    let fields = diff::fixed_fields(context.kind(), &context.observed_room()?.fields, declared);
    let message = || {
        format!(
            "{}: the service reports another {} than the file declares, which cannot change in place",
            context.address,
            fields.join(", ")
        )
    };
    (!fields.is_empty()).then(|| {
        Finding::warning("fields_drifted", message())
            .help("declare it as it is, or destroy the room so that it is created again")
            .about(context.address)
    })
}

/// Decides on a room whose fields are as recorded: at most the record's bookkeeping differs.
pub(super) fn as_recorded(context: &RoomContext<'_>) -> Decision {
    context.bookkeeping().map_or(Verdict::Keep, Verdict::Step).into()
}

fn lost_all_attributes(context: &RoomContext<'_>, recorded: &RecordedRoom) -> bool {
    context.observed_room().is_some_and(|observed_room| {
        dropped(context.kind(), &recorded.room.attributes, observed_room)
    })
}

/// Reports the attributes that the service dropped. By default it does not keep the attributes of an
/// empty room. Nothing is done until someone is inside or the room is recreated.
fn attributes_dropped(context: &RoomContext<'_>) -> Decision {
    let message =
        format!("{} is empty, and the service has dropped all its attributes", context.address);
    let finding = Finding::warning("attributes_dropped", message)
        .help("they are set again when someone is inside, or when the room is created again")
        .about(context.address);
    Decision { finding: Some(finding), ..as_recorded(context) }
}

fn reason(field: Field) -> Reason {
    match field {
        Field::Name => Reason::NameChanged,
        Field::DestroyDelayTime => Reason::DelayChanged,
        Field::Attributes => Reason::AttributesChanged,
        Field::CloseReason | Field::CloseCallback => Reason::CloseChanged,
        Field::Owner
        | Field::SeatTemplate
        | Field::TakeSeatMode
        | Field::MaxSeats
        | Field::MaxMembers
        | Field::CoverUrl
        | Field::Category
        | Field::ActivityStatus
        | Field::Notice
        | Field::Muted
        | Field::Public
        | Field::Unlimited => Reason::FieldsChanged,
    }
}
