//! A room that is declared and recorded: does it differ, and does it have to be made anew?

use std::sync::Arc;

use crate::model::{
    Action, Attributes, DesiredRoom, Field, Finding, Held, HeldReason, OnOccupied, Reason,
    RecordedRoom, Room, dropped,
};

use super::case::{Case, Decision, Verdict};
use super::diff;

/// Compares what is declared with what is recorded, and with what was seen, where it was.
pub(super) fn compare(
    case: &Case<'_>,
    declared: &DesiredRoom,
    recorded: &RecordedRoom,
) -> Decision {
    match diff::replacing(case.provider.kind, &recorded.room, &declared.room) {
        Some(field) => take_down(case, Action::Replace, reason(field)),
        None => in_place(case, declared, recorded),
    }
}

/// A destroy or a replace: held back where the room is protected, or where people are inside.
pub(super) fn take_down(case: &Case<'_>, action: Action, reason: Reason) -> Decision {
    let step = case.step(action, reason, case.present(), case.wanted(), Vec::new());
    let occupied = case.on_occupied() == OnOccupied::Defer && step.people.any();
    let held = if step.prevent_destroy {
        HeldReason::PreventDestroy
    } else if occupied {
        HeldReason::Occupied(step.people)
    } else {
        return Verdict::Step(step).into();
    };
    Verdict::Held(Held { step, reason: held }, case.bookkeeping()).into()
}

/// What is known of a room that we did not make: a name and a delay cannot be read.
pub(super) fn as_far_as_known(attributes: Attributes) -> Arc<Room> {
    Arc::new(Room { name: None, destroy_delay_time: None, attributes })
}

/// A warning where a room gets more attributes than the service takes; its answer decides.
pub(super) fn over_limit(case: &Case<'_>, count: usize) -> Option<Finding> {
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

fn in_place(case: &Case<'_>, declared: &DesiredRoom, recorded: &RecordedRoom) -> Decision {
    let sides = diff::Sides {
        wanted: &declared.room.attributes,
        set_earlier: &recorded.room.attributes,
        seen: case.sighting().map(|sighting| &sighting.attributes),
    };
    if sides.agree() {
        return as_recorded(case);
    }
    let batches = sides.batches(case.provider.limits.attributes);
    let changed = sides.wanted != sides.set_earlier;
    let reason = if changed { Reason::AttributesChanged } else { Reason::AttributesDrifted };
    let action = match (batches.is_empty(), changed) {
        (true, false) => return as_recorded(case),
        (false, false) if lost_all(case, recorded) => return let_go(case),
        // The service agrees already: only the record has to learn it.
        (true, true) => Action::Record,
        (false, _) => Action::Update,
    };
    let step = case.step(action, reason, case.present(), case.wanted(), batches);
    Decision { finding: over_limit(case, sides.count_after()), verdict: Verdict::Step(step) }
}

/// A room whose fields are as recorded: at most the record's bookkeeping is behind.
fn as_recorded(case: &Case<'_>) -> Decision {
    case.bookkeeping().map_or(Verdict::Keep, Verdict::Step).into()
}

fn lost_all(case: &Case<'_>, recorded: &RecordedRoom) -> bool {
    case.sighting().is_some_and(|sighting| dropped(&recorded.room.attributes, sighting))
}

/// The service does not keep the attributes of an empty room by default: said, but nothing is done
/// until someone is inside or the room is made anew.
fn let_go(case: &Case<'_>) -> Decision {
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
    }
}
