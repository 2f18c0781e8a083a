//! A room that is declared and recorded: does it differ, and does it have to be made anew?

use std::sync::Arc;

use crate::model::{
    Action, Attributes, Carried, Change, DesiredRoom, Field, Finding, Held, HeldReason, Kind,
    ObservedRoom, OnOccupied, Patch, Reason, RecordedRoom, Room, Step, dropped,
};

use super::diff;
use super::room_context::{Decision, RoomContext, Verdict};

/// Compares what is declared with what is recorded, and with what was seen, where it was.
pub(super) fn compare(
    case: &RoomContext<'_>,
    declared: &DesiredRoom,
    recorded: &RecordedRoom,
) -> Decision {
    // A million rooms that are recorded as declared share the declared room, and need no comparison.
    if case.observed_room().is_none() && Arc::ptr_eq(&declared.room, &recorded.room) {
        return as_recorded(case);
    }
    let told = case.observed_room().map(|observed_room| &observed_room.fields);
    let known = diff::known(&recorded.room, &declared.room, told);
    match diff::replacing(case.kind(), &known, &declared.room) {
        Some(field) => {
            let step = case.making(Action::Replace, reason(field));
            let instead = meanwhile(case, declared, recorded).map(Box::new);
            held_or_done(Step { instead, ..step })
        }
        None => in_place(case, declared, recorded),
    }
}

/// What can change in place of a room that is to be made anew: done where that is held back, or waits.
fn meanwhile(
    case: &RoomContext<'_>,
    declared: &DesiredRoom,
    recorded: &RecordedRoom,
) -> Option<Step> {
    let room = Arc::new(recorded.room.with_changeable_of(case.kind(), &declared.room));
    match in_place(case, &DesiredRoom { room, ..declared.clone() }, recorded).verdict {
        Verdict::Step(step) => Some(step),
        Verdict::LeaveAlone | Verdict::Keep | Verdict::Held(..) | Verdict::Unread(_) => None,
    }
}

/// Destroys a room that is no longer declared.
pub(super) fn take_down(case: &RoomContext<'_>) -> Decision {
    let before = case.present();
    held_or_done(case.step(Action::Destroy, Reason::NotDeclared, before, None, Vec::new()))
}

/// A destroy or a replace: held back where the room is protected, or where people are inside.
fn held_or_done(mut step: Step) -> Decision {
    let occupied = step.on_occupied == OnOccupied::Defer && step.people.any();
    let reason = if step.lifecycle.prevent_destroy {
        HeldReason::PreventDestroy
    } else if occupied {
        HeldReason::Occupied(step.people)
    } else {
        return Verdict::Step(step).into();
    };
    let instead = step.instead.take().map(|step| *step);
    Verdict::Held(Held { step, reason }, instead).into()
}

/// What is known of a room that we did not make: the attributes that we shall manage, and those of
/// the declared fields that the service tells. What only a new room could have otherwise is taken for
/// as it is declared, and told by itself.
pub(super) fn as_far_as_known(
    kind: Kind,
    attributes: Attributes,
    declared: &Room,
    seen: &ObservedRoom,
) -> Arc<Room> {
    let mut room = Room { attributes, ..Room::default() };
    for (field, value) in seen.fields.iter().filter(|(it, _)| declared.value(*it).is_some()) {
        let fixed = kind.change_of(field) == Change::Replace;
        room.set(field, if fixed { declared.value(field) } else { Some(value.clone()) });
    }
    Arc::new(room)
}

/// A warning where a room gets more attributes than the service takes; its answer decides.
pub(super) fn over_limit(case: &RoomContext<'_>, count: usize) -> Option<Finding> {
    let limit = case.provider.limits.attributes;
    let message = || {
        format!(
            "{} would have {count} attributes, those of others counted, and the service takes {limit}",
            case.address
        )
    };
    (count > limit).then(|| {
        Finding::warning("attributes_over_limit", message())
            .help("declare fewer, or raise the provider's `limits: {attributes: …}` where the service takes more")
            .about(case.address)
    })
}

fn in_place(case: &RoomContext<'_>, declared: &DesiredRoom, recorded: &RecordedRoom) -> Decision {
    let kind = case.kind();
    let attributes = diff::AttributeDiff {
        wanted: &declared.room.attributes,
        set_earlier: &recorded.room.attributes,
        seen: case.observed_room().map(|observed_room| &observed_room.attributes),
    };
    let changed = diff::changed(kind, &recorded.room, &declared.room);
    let told = case.observed_room().map(|observed_room| &observed_room.fields);
    let carried = still_to_set(case, declared, recorded);
    let equal = attributes.agree() && changed.is_none() && carried.is_empty();
    if equal && told.is_none_or(|told| recorded.room.agrees(told)) {
        return as_recorded(case);
    }
    let present = case.present().unwrap_or_default();
    let fields = present.field_patch(kind, &declared.room);
    let batches = attributes.batches(kind, case.provider.limits.attributes);
    let drifted = fields.is_some();
    let sets = Attributes::EMPTY.sets_towards(&carried);
    let sets = (!sets.is_empty()).then_some(Patch::Attributes(sets));
    let patches: Vec<Patch> = fields.into_iter().chain(batches).chain(sets).collect();
    let reason = match changed {
        Some(field) => reason(field),
        None if drifted => Reason::FieldsDrifted,
        None => Reason::AttributesDrifted,
    };
    let action = match (patches.is_empty(), changed) {
        (true, None) => return as_recorded(case).told(fixed(case, &declared.room)),
        (false, None) if !drifted && lost_all(case, recorded) => return let_go(case),
        // The service agrees already: only the record has to learn it.
        (true, Some(_)) => Action::Record,
        (false, _) => Action::Update,
    };
    let after = Arc::new(diff::kept(kind, &present, &declared.room));
    let mut step = case.step(action, reason, Some(present), Some(after), patches);
    if !carried.is_empty() {
        step.carried = Carried::Known(carried);
    }
    let finding =
        fixed(case, &declared.room).or_else(|| over_limit(case, attributes.count_after()));
    Decision { finding, verdict: Verdict::Step(step) }
}

/// The attributes of others that a replace has not set again in the new room yet: only what is known to
/// be missing, since others may have written it anew.
fn still_to_set(
    case: &RoomContext<'_>,
    declared: &DesiredRoom,
    recorded: &RecordedRoom,
) -> Attributes {
    let Some(observed_room) = case.observed_room() else { return Attributes::EMPTY };
    let others = recorded.others(&declared.room.attributes, &Attributes::EMPTY);
    let missing = others.iter().filter(|(key, _)| observed_room.attributes.get(key).is_none());
    missing.map(|(key, attribute)| (key, attribute.clone())).collect()
}

/// A word on what the service has otherwise than the file, and only a new room could have: it is left,
/// since making the room anew would throw its people out for what we did not change.
pub(super) fn fixed(case: &RoomContext<'_>, declared: &Room) -> Option<Finding> {
    let fields = diff::fixed(case.kind(), &case.observed_room()?.fields, declared);
    let message = || {
        format!(
            "{} has another {} than the file declares, which only a new room could have",
            case.address,
            fields.join(", ")
        )
    };
    (!fields.is_empty()).then(|| {
        Finding::warning("fields_drifted", message())
            .help("declare it as it is, or destroy the room and let it be made anew")
            .about(case.address)
    })
}

/// A room whose fields are as recorded: at most the record's bookkeeping is behind.
fn as_recorded(case: &RoomContext<'_>) -> Decision {
    case.bookkeeping().map_or(Verdict::Keep, Verdict::Step).into()
}

fn lost_all(case: &RoomContext<'_>, recorded: &RecordedRoom) -> bool {
    case.observed_room()
        .is_some_and(|observed_room| dropped(case.kind(), &recorded.room.attributes, observed_room))
}

/// The service does not keep the attributes of an empty room by default: said, but nothing is done
/// until someone is inside or the room is made anew.
fn let_go(case: &RoomContext<'_>) -> Decision {
    let message =
        format!("{} is empty, and the service has dropped all its attributes", case.address);
    let finding = Finding::warning("attributes_dropped", message)
        .help("they are set again when someone is inside, or when the room is made anew")
        .about(case.address);
    Decision { finding: Some(finding), ..as_recorded(case) }
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
