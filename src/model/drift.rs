//! The differences between the service and the record.

use serde::Serialize;

use super::{Address, Attributes, Finding, Partial, RunInProgress, StateRef, Unread, ValueChange};

/// The result of comparing the record with the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// Whether a provider is the built-in emulator.
    pub emulated: bool,
    /// The state that was compared.
    pub state: StateRef,
    /// The scope, if it is not all rooms.
    pub scope: Option<Partial>,
    /// The rooms that differ, by address.
    pub rooms: Vec<DriftedRoom>,
    /// Attributes of others in rooms of ours, which are not drift.
    pub unmanaged: Vec<Unmanaged>,
    /// The rooms that could not be read.
    pub unread: Vec<Unread>,
    /// The run that is changing rooms meanwhile, and its rooms.
    pub in_progress: Option<RunInProgress>,
    /// The counts.
    pub summary: DriftSummary,
    /// Warnings.
    pub findings: Vec<Finding>,
}

/// A room that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DriftedRoom {
    /// The room.
    pub address: Address,
    /// How it differs; the most severe way if there are several.
    pub kind: DriftKind,
    /// The differences: `before` is recorded, `after` was read.
    pub changes: Vec<ValueChange>,
    /// How the room that waits for the next life differs from the recorded one, if one waits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<ValueChange>,
}

/// How a room differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftKind {
    /// The service destroyed it after its earliest end.
    Vanished,
    /// It does not exist, and its earliest end has not passed.
    VanishedEarly,
    /// Another client destroyed and recreated it: its attribute sequence is lower than recorded.
    Recreated,
    /// It is empty, and the service dropped all the attributes that we set.
    AttributesLost,
    /// Another client changed attributes that we set.
    AttributesChanged,
    /// Another client changed other fields.
    FieldsChanged,
}

/// Attributes of others in a room of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unmanaged {
    /// The room.
    pub address: Address,
    /// The attributes.
    pub attributes: Attributes,
}

/// The number of rooms of each sort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DriftSummary {
    /// Rooms that are recorded.
    pub recorded: u64,
    /// Rooms that were queried.
    pub asked: u64,
    /// Rooms that are as recorded.
    pub in_sync: u64,
    /// Rooms that are gone after their earliest end.
    pub vanished: u64,
    /// Rooms that are gone before their earliest end.
    pub vanished_early: u64,
    /// Rooms that another client recreated.
    pub recreated: u64,
    /// Empty rooms whose attributes the service dropped.
    pub attributes_lost: u64,
    /// Rooms with other attributes.
    pub attributes_changed: u64,
    /// Rooms with other fields.
    pub fields_changed: u64,
    /// Rooms that could not be read.
    pub unread: u64,
    /// Rooms that were due and were not queried, because credentials are missing.
    pub not_asked: u64,
}

impl DriftKind {
    /// Every kind, in the order in which they are listed.
    pub const ALL: &'static [Self] = &[
        Self::Vanished,
        Self::VanishedEarly,
        Self::Recreated,
        Self::AttributesLost,
        Self::AttributesChanged,
        Self::FieldsChanged,
    ];

    /// Returns the stable code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Vanished => "vanished",
            Self::VanishedEarly => "vanished_early",
            Self::Recreated => "recreated",
            Self::AttributesLost => "attributes_lost",
            Self::AttributesChanged => "attributes_changed",
            Self::FieldsChanged => "fields_changed",
        }
    }
}

impl DriftSummary {
    /// Returns the number of rooms that drifted in this way.
    #[must_use]
    pub fn of(&self, kind: DriftKind) -> u64 {
        match kind {
            DriftKind::Vanished => self.vanished,
            DriftKind::VanishedEarly => self.vanished_early,
            DriftKind::Recreated => self.recreated,
            DriftKind::AttributesLost => self.attributes_lost,
            DriftKind::AttributesChanged => self.attributes_changed,
            DriftKind::FieldsChanged => self.fields_changed,
        }
    }

    /// Counts a room that drifted in this way.
    pub fn count(&mut self, kind: DriftKind) {
        let number = match kind {
            DriftKind::Vanished => &mut self.vanished,
            DriftKind::VanishedEarly => &mut self.vanished_early,
            DriftKind::Recreated => &mut self.recreated,
            DriftKind::AttributesLost => &mut self.attributes_lost,
            DriftKind::AttributesChanged => &mut self.attributes_changed,
            DriftKind::FieldsChanged => &mut self.fields_changed,
        };
        *number += 1;
    }
}
