//! Compares what is recorded with what the service has.

use crate::model::{Address, Holder};
use crate::model::{
    Attributes, Desired, Drift, DriftKind, DriftSummary, DriftedRoom, Finding, Kind, Observation,
    Observed, ObservedRoom, Provider, Recorded, RecordedRoom, RunInProgress, StateRef, Timestamp,
    Unmanaged, Unread, Value, ValueChange, belongs_to, dropped,
};

/// The result of comparing one room.
enum Found {
    InSync,
    Drifted(DriftKind, Vec<ValueChange>),
    Unread(String),
    InProgress,
}

/// Compares every recorded room of a declared provider with its observation. `in_progress` is another
/// run whose open calls are recorded: its rooms are listed, not compared.
#[must_use]
pub fn drift(
    desired: &Desired,
    recorded: &Recorded,
    observed: &Observed,
    in_progress: Option<&Holder>,
) -> Drift {
    let mut drift = Drift {
        emulated: desired.providers.values().any(Provider::emulated),
        state: StateRef { lineage: recorded.lineage.clone(), serial: recorded.serial },
        scope: None,
        rooms: Vec::new(),
        unmanaged: Vec::new(),
        unread: Vec::new(),
        in_progress: in_progress.map(|by| RunInProgress { by: by.clone(), rooms: Vec::new() }),
        summary: DriftSummary {
            asked: observed.rooms.len() as u64,
            not_asked: observed.not_asked.values().sum(),
            ..DriftSummary::default()
        },
        findings: Vec::new(),
    };
    for (address, record) in &recorded.rooms {
        let Some(provider) = desired.providers.get(&address.provider) else { continue };
        drift.summary.recorded += 1;
        let observation = observed.of(address);
        let found = compare(provider, record, observation, in_progress.is_some());
        drift.add(address, found, || waiting(provider.kind(), record));
        if let Some(Observation::There(room)) = observation {
            drift.add_unmanaged(address, record, room);
            drift.findings.extend(other_owner(provider, address, record, room));
        }
    }
    drift
}

fn compare(
    provider: &Provider,
    record: &RecordedRoom,
    observation: Option<&Observation>,
    in_progress: bool,
) -> Found {
    if record.is_absent(observation) {
        return Found::InSync;
    }
    if record.pending.is_some() {
        return if in_progress {
            Found::InProgress
        } else {
            Found::Unread(
                "the outcome of an earlier call is unknown: the next apply looks it up".into(),
            )
        };
    }
    if record.is_destroyed() {
        return Found::InSync;
    }
    match observation {
        None => Found::InSync,
        Some(Observation::Unread { why }) => Found::Unread(why.clone()),
        Some(Observation::Gone(at)) => gone(provider, record, *at),
        Some(Observation::There(_)) if record.contested.is_some() => {
            let why = record.contested.as_deref().unwrap_or_default();
            Found::Unread(format!("its origin is uncertain: {why}"))
        }
        Some(Observation::There(room)) => {
            let kind = provider.kind();
            let own = provider.application.ownership().map(|ownership| &**ownership.key());
            let whole = record.unfinished(kind).unwrap_or(&record.room);
            let record = &RecordedRoom { room: whole.clone(), ..record.clone() };
            let recorded = record.room.without_attribute(own);
            present(kind, record, &room.unchanged_at(kind, &record.ignore_changes, &recorded))
        }
    }
}

/// Returns a warning about a room whose ownership attribute names another state.
fn other_owner(
    provider: &Provider,
    address: &Address,
    record: &RecordedRoom,
    room: &ObservedRoom,
) -> Option<Finding> {
    let other = record.other_owner(&provider.application, room)?;
    let why = belongs_to(provider.application.ownership()?.key(), &other);
    let help = format!(
        "it is not changed: `roomctl import {address}` takes it over again, `roomctl state rm {address}` \
         leaves it to that state"
    );
    Some(Finding::warning("other_lineage", format!("{address}: {why}")).help(help).about(address))
}

/// Returns how the room that waits for the next life differs from the recorded one.
fn waiting(kind: Kind, record: &RecordedRoom) -> Vec<ValueChange> {
    let next = record.waiting_next(kind).and_then(|next| next.room.as_deref());
    next.map(|next| ValueChange::between(Some(&record.room), Some(next))).unwrap_or_default()
}

fn gone(provider: &Provider, record: &RecordedRoom, at: Timestamp) -> Found {
    let end = record.earliest_end(&provider.application);
    let early = end.is_some_and(|end| at < end);
    let kind = if early { DriftKind::VanishedEarly } else { DriftKind::Vanished };
    Found::Drifted(kind, Vec::new())
}

fn present(kind: Kind, record: &RecordedRoom, room: &ObservedRoom) -> Found {
    let mut changes = changed_fields(record, room);
    let fields = !changes.is_empty();
    let attributes = changed_attributes(&record.room.attributes, &room.attributes);
    let lost = dropped(kind, &record.room.attributes, room);
    let drifted = if record.was_recreated_by_others(room) {
        DriftKind::Recreated
    } else if lost {
        DriftKind::AttributesLost
    } else if !attributes.is_empty() {
        DriftKind::AttributesChanged
    } else if fields {
        DriftKind::FieldsChanged
    } else {
        return Found::InSync;
    };
    changes.extend(attributes);
    Found::Drifted(drifted, changes)
}

fn changed_fields(record: &RecordedRoom, room: &ObservedRoom) -> Vec<ValueChange> {
    let changed = |(field, read): (_, &Value)| {
        let recorded = record.room.value(field)?.to_value();
        ValueChange::of(crate::model::Field::as_str(field), Some(recorded), Some(read.clone()))
    };
    room.fields.iter().filter_map(changed).collect()
}

/// Returns the differences of the attributes that we set. An `auto_delete` attribute that is gone is
/// not drift: it is removed when the user who set it leaves. Whether an attribute is `auto_delete`
/// cannot be read from the service.
fn changed_attributes(ours: &Attributes, read: &Attributes) -> Vec<ValueChange> {
    let text = |value: &str| Some(Value::Text(value.into()));
    let changed = |(key, recorded): (&str, &crate::model::Attribute)| {
        let read = read.get(key);
        if read.is_none() && recorded.auto_delete {
            return None;
        }
        let path = format!("attributes.{key}");
        ValueChange::of(&path, text(&recorded.value), read.and_then(|read| text(&read.value)))
    };
    ours.iter().filter_map(changed).collect()
}

impl Drift {
    fn add(&mut self, address: &Address, found: Found, next: impl FnOnce() -> Vec<ValueChange>) {
        match found {
            Found::InSync => self.summary.in_sync += 1,
            Found::Drifted(kind, changes) => {
                self.summary.count(kind);
                let (address, next) = (address.clone(), next());
                self.rooms.push(DriftedRoom { address, kind, changes, next });
            }
            Found::Unread(why) => {
                self.summary.unread += 1;
                self.unread.push(Unread { address: address.clone(), why });
            }
            Found::InProgress => {
                if let Some(run) = &mut self.in_progress {
                    run.rooms.push(address.clone());
                }
            }
        }
    }

    /// Adds the attributes of a room that others set.
    fn add_unmanaged(&mut self, address: &Address, record: &RecordedRoom, room: &ObservedRoom) {
        let others = room.attributes.iter();
        let others = others.filter(|(key, _)| record.room.attributes.get(key).is_none());
        let attributes: Attributes =
            others.map(|(key, attribute)| (key, attribute.clone())).collect();
        if !attributes.is_empty() {
            self.unmanaged.push(Unmanaged { address: address.clone(), attributes });
        }
    }
}
