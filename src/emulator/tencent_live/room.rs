//! A Tencent live room in the emulator: its fields, metadata, people, and when it ends.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{AttributeLimits, Timestamp};

use crate::emulator::room_table::Room;

/// A live room, in the format of its line in the data file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::emulator) struct LiveRoom {
    pub(in crate::emulator) owner: String,
    pub(in crate::emulator) name: String,
    pub(in crate::emulator) seat_template: String,
    pub(in crate::emulator) take_seat_mode: String,
    pub(in crate::emulator) max_seats: u32,
    pub(in crate::emulator) max_members: u32,
    pub(in crate::emulator) muted: bool,
    pub(in crate::emulator) public: bool,
    pub(in crate::emulator) unlimited: bool,
    pub(in crate::emulator) cover_url: String,
    pub(in crate::emulator) category: Vec<i64>,
    pub(in crate::emulator) activity_status: i64,
    pub(in crate::emulator) notice: String,
    pub(in crate::emulator) created: Timestamp,
    pub(in crate::emulator) metadata: BTreeMap<String, Metadatum>,
    pub(in crate::emulator) inside: Audience,
}

/// One key of the metadata.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::emulator) struct Metadatum {
    pub(in crate::emulator) value: String,
    pub(in crate::emulator) set: Timestamp,
}

/// Who is inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::emulator) enum Audience {
    /// No one has entered yet: the end of the room is not scheduled.
    NobodyYet,
    /// The last user has left: the room is dissolved at this time.
    NobodyMore { until: Timestamp },
    /// This many people, at least one.
    People(u64),
}

/// Why the metadata was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::emulator) enum MetadataRefusal {
    /// A key is too long.
    Key,
    /// A value is too long.
    Value,
    /// There would be too many keys.
    Count,
    /// Keys and values together would be too long.
    Total,
}

impl Room for LiveRoom {
    fn end(&self) -> Option<Timestamp> {
        match self.inside {
            Audience::NobodyYet | Audience::People(_) => None,
            Audience::NobodyMore { until } => Some(until),
        }
    }

    fn people(&self) -> u64 {
        match self.inside {
            Audience::NobodyYet | Audience::NobodyMore { .. } => 0,
            Audience::People(people) => people,
        }
    }
}

impl LiveRoom {
    /// Returns a room without people that has the service's defaults; its name is its id.
    pub(in crate::emulator) fn new(
        id: String,
        owner: String,
        seat_template: String,
        now: Timestamp,
    ) -> Self {
        Self {
            owner,
            name: id,
            seat_template,
            take_seat_mode: "FreeToTake".to_owned(),
            max_seats: 0,
            max_members: 0,
            muted: false,
            public: true,
            unlimited: false,
            cover_url: String::new(),
            category: Vec::new(),
            activity_status: 0,
            notice: String::new(),
            created: now,
            metadata: BTreeMap::new(),
            inside: Audience::NobodyYet,
        }
    }

    /// Adds `users` to the people inside.
    pub(in crate::emulator) fn enter(&mut self, users: u64) {
        if users > 0 {
            self.inside = Audience::People(self.people().saturating_add(users));
        }
    }

    /// Removes `users` from the people inside. The room is dissolved `dissolve_after` after the last
    /// user left.
    pub(in crate::emulator) fn leave(
        &mut self,
        users: u64,
        now: Timestamp,
        dissolve_after: Duration,
    ) {
        let before = self.people();
        if users == 0 || before == 0 {
            return;
        }
        self.inside = match before.saturating_sub(users) {
            0 => Audience::NobodyMore { until: now.plus(dissolve_after) },
            left => Audience::People(left),
        };
    }

    /// Sets all keys or, if a limit would be exceeded, none.
    pub(in crate::emulator) fn set(
        &mut self,
        entries: Vec<(String, String)>,
        now: Timestamp,
        limits: AttributeLimits,
    ) -> Result<(), MetadataRefusal> {
        let AttributeLimits { attributes, key_bytes, value_bytes, total_bytes } = limits;
        let mut metadata = self.metadata.clone();
        for (key, value) in entries {
            if key.len() > key_bytes {
                return Err(MetadataRefusal::Key);
            }
            if value.len() > value_bytes {
                return Err(MetadataRefusal::Value);
            }
            metadata.insert(key, Metadatum { value, set: now });
        }
        if metadata.len() > attributes {
            return Err(MetadataRefusal::Count);
        }
        let bytes: usize = metadata.iter().map(|(key, held)| key.len() + held.value.len()).sum();
        if bytes > total_bytes {
            return Err(MetadataRefusal::Total);
        }
        self.metadata = metadata;
        Ok(())
    }

    /// Deletes keys, and returns how many of them existed.
    pub(in crate::emulator) fn delete(&mut self, keys: &[String]) -> usize {
        keys.iter().filter(|key| self.metadata.remove(*key).is_some()).count()
    }
}
