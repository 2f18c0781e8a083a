//! A ZIM room in the emulator: attributes, people, and when it ends.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{AttributeLimits, Timestamp};

use crate::emulator::config::Retention;
use crate::emulator::room_table::Room;

/// A room, in the format of its line in the data file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::emulator) struct ChatRoom {
    pub(in crate::emulator) name: Option<String>,
    /// How many seconds the room exists while it is empty.
    pub(in crate::emulator) delay: u32,
    /// The number of attribute changes so far.
    pub(in crate::emulator) sequence: u64,
    pub(in crate::emulator) attributes: BTreeMap<String, StoredAttribute>,
    pub(in crate::emulator) inside: Inside,
}

/// One attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::emulator) struct StoredAttribute {
    pub(in crate::emulator) value: String,
    pub(in crate::emulator) auto_delete: bool,
    /// The room's sequence number when the attribute was last set.
    pub(in crate::emulator) sequence: u64,
}

/// Who is inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::emulator) enum Inside {
    /// No one has entered since the creation, at this time.
    NobodyYet { since: Timestamp },
    /// The last user left at this time.
    NobodyMore { since: Timestamp },
    /// This many people, at least one.
    People(u64),
}

/// Why an attribute was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::emulator) enum AttributeRefusal {
    /// The key to delete does not exist.
    NoSuchKey,
    /// The room would exceed a limit.
    OverLimit,
}

/// How long an empty room exists at least, so that its creation and its end differ.
const SHORTEST_LIFE: Duration = Duration::from_millis(1);

impl Room for ChatRoom {
    /// Returns the end of an empty room: its creation, or the time at which its last user left, plus its
    /// delay; `None` while people are inside.
    fn end(&self) -> Option<Timestamp> {
        let since = match self.inside {
            Inside::NobodyYet { since } | Inside::NobodyMore { since } => since,
            Inside::People(_) => return None,
        };
        let delay = Duration::from_secs(u64::from(self.delay));
        Some(since.plus(delay.max(SHORTEST_LIFE)))
    }

    fn people(&self) -> u64 {
        match self.inside {
            Inside::NobodyYet { .. } | Inside::NobodyMore { .. } => 0,
            Inside::People(people) => people,
        }
    }
}

impl ChatRoom {
    /// Returns a room without attributes that is empty since `now`.
    pub(in crate::emulator) fn new(name: Option<String>, delay: u32, now: Timestamp) -> Self {
        let inside = Inside::NobodyYet { since: now };
        Self { name, delay, sequence: 0, attributes: BTreeMap::new(), inside }
    }

    /// Adds `users` to the people inside.
    pub(in crate::emulator) fn enter(&mut self, users: u64) {
        if users > 0 {
            self.inside = Inside::People(self.people().saturating_add(users));
        }
    }

    /// Removes `users` from the people inside. People are anonymous, so all auto-delete attributes are
    /// deleted.
    pub(in crate::emulator) fn leave(&mut self, users: u64, now: Timestamp, retention: Retention) {
        let before = self.people();
        if users == 0 || before == 0 {
            return;
        }
        self.drop_attributes(|attribute| attribute.auto_delete);
        self.inside = match before.saturating_sub(users) {
            0 => Inside::NobodyMore { since: now },
            left => Inside::People(left),
        };
        let empty = self.people() == 0;
        if empty && retention == Retention::UntilLeft {
            self.drop_attributes(|_| true);
        }
    }

    /// Sets `key` and returns the new sequence number, unless a limit would be exceeded.
    pub(in crate::emulator) fn set(
        &mut self,
        key: &str,
        value: &str,
        auto_delete: bool,
        limits: AttributeLimits,
    ) -> Result<u64, AttributeRefusal> {
        let AttributeLimits { attributes, key_bytes, value_bytes, total_bytes } = limits;
        let others = || self.attributes.iter().filter(|(other, _)| *other != key);
        let bytes: usize = others().map(|(key, held)| key.len() + held.value.len()).sum();
        let fits = key.len() <= key_bytes
            && value.len() <= value_bytes
            && others().count() < attributes
            && bytes + key.len() + value.len() <= total_bytes;
        if !fits {
            return Err(AttributeRefusal::OverLimit);
        }
        self.sequence += 1;
        let sequence = self.sequence;
        let attribute = StoredAttribute { value: value.to_owned(), auto_delete, sequence };
        self.attributes.insert(key.to_owned(), attribute);
        Ok(sequence)
    }

    /// Deletes `key` and returns the new sequence number.
    pub(in crate::emulator) fn delete(&mut self, key: &str) -> Result<u64, AttributeRefusal> {
        if self.attributes.remove(key).is_none() {
            return Err(AttributeRefusal::NoSuchKey);
        }
        self.sequence += 1;
        Ok(self.sequence)
    }

    fn drop_attributes(&mut self, is_dropped: impl Fn(&StoredAttribute) -> bool) {
        let before = self.attributes.len();
        self.attributes.retain(|_, attribute| !is_dropped(attribute));
        self.sequence += u64::try_from(before - self.attributes.len()).unwrap_or(0);
    }
}
