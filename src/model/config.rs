//! What the files declare besides the rooms: the providers and the policy.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use super::keyword::keyword_enum;
use super::{Application, Call, Endpoint, Kind, ProviderName};

/// A declared provider: one application at one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its name in the file, the first part of an address.
    pub name: ProviderName,
    /// ZEGOCLOUD's AppId, or Tencent's SDKAppID.
    pub app_id: u32,
    /// The application, with the settings of its kind.
    pub application: Application,
    /// The URL of the service.
    pub endpoint: Endpoint,
    /// The host of the endpoint (on loopback with its port), or `emulator`.
    pub host: Box<str>,
    /// The location of the secret. The secret itself is never in the file.
    pub secret: SecretSource,
    /// The requests a second of the calls whose limit the file sets; the others have the vendor's
    /// limit.
    pub rate_limits: BTreeMap<Call, u32>,
    /// The percentage of each limit that one run may use.
    pub rate_share: RateShare,
    /// Our share of the application's quota of live rooms.
    pub max_rooms: Option<u64>,
    /// The service's limits for the attributes of one room.
    pub limits: AttributeLimits,
}

/// The location of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// In an environment variable.
    Environment(String),
    /// In a file; one newline at its end is dropped.
    File(PathBuf),
}

/// A percentage from 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct RateShare(pub u8);

/// The service's limits for the attributes of one room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttributeLimits {
    /// The number of attributes. ZIM: 20 by default, raised on request.
    pub attributes: usize,
    /// Bytes of a key. ZIM: 16 (the SDK guide).
    pub key_bytes: usize,
    /// Bytes of a value. ZIM: 1,024 (the SDK guide).
    pub value_bytes: usize,
    /// Bytes of all keys and values together. ZIM: 5,120 (the SDK guide).
    pub total_bytes: usize,
}

/// The `policy` of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Which rooms to query before planning.
    pub refresh: Refresh,
    /// What to do with a room that exists and that we did not make.
    pub on_conflict: OnConflict,
    /// What to do with a recorded room that is gone.
    pub on_vanish: OnVanish,
    /// What to do with people inside a room that is to be destroyed; `None` leaves it to the kinds of
    /// the room's sides.
    pub on_occupied: Option<OnOccupied>,
    /// When a room that has to be replaced is replaced.
    pub replace: Replace,
    /// How many rooms one run may destroy or replace without consent.
    pub max_destroy: GateLimit,
    /// How many rooms that vanished before their earliest end one run may recreate without consent.
    pub max_recreate: GateLimit,
}

keyword_enum! {
    /// Which rooms are queried before planning.
    #[derive(Default)]
    Refresh {
        /// None.
        Never = "never",
        /// Rooms whose earliest end has passed, and rooms with an open call.
        #[default]
        Due = "due",
        /// Every recorded room; in `plan` the declared ones that are not recorded too.
        All = "all",
    }
}

keyword_enum! {
    /// What to do with a room that exists and that we did not make.
    #[derive(Default)]
    OnConflict {
        /// Leave it, and fail the step.
        #[default]
        Fail = "fail",
        /// Record it as ours, and set its declared attributes.
        Adopt = "adopt",
    }
}

keyword_enum! {
    /// What to do with a recorded room that is gone.
    #[derive(Default)]
    OnVanish {
        /// Create it again.
        #[default]
        Recreate = "recreate",
        /// Leave it recorded.
        Ignore = "ignore",
    }
}

keyword_enum! {
    /// What to do with a room that is to be destroyed while people are inside.
    OnOccupied {
        /// Wait until the room is empty.
        Defer = "defer",
        /// Destroy it; people inside are disconnected.
        Destroy = "destroy",
    }
}

keyword_enum! {
    /// When a new name or delay takes effect.
    #[derive(Default)]
    Replace {
        /// At once, by destroying the room and creating it again.
        #[default]
        Now = "now",
        /// When the service has destroyed the room: it is then created with them.
        OnNextVanish = "on_next_vanish",
    }
}

/// How many steps of one sort a run may apply without consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateLimit {
    /// This number.
    Count(u64),
    /// This percentage of the recorded rooms of declared providers, rounded down; 0 percent means none.
    Percent(u8),
}

impl Provider {
    /// Returns the kind of the service.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.application.kind()
    }

    /// Returns the requests a second that one run may make of `call`: the limit times the share.
    #[must_use]
    pub fn rate(&self, call: Call) -> f64 {
        let vendor = self.application.limit(call);
        let limit = self.rate_limits.get(&call).copied().unwrap_or(vendor);
        f64::from(limit) * f64::from(self.rate_share.0) / 100.0
    }

    /// Returns whether the endpoint is the built-in emulator.
    #[must_use]
    pub fn emulated(&self) -> bool {
        self.endpoint == Endpoint::Emulator
    }
}

impl GateLimit {
    /// Returns the number for `recorded` rooms. A percentage above 0 allows at least `least`.
    #[must_use]
    pub fn of(self, recorded: u64, least: u64) -> u64 {
        match self {
            Self::Count(count) => count,
            Self::Percent(0) => 0,
            Self::Percent(percent) => {
                let share = u128::from(recorded) * u128::from(percent) / 100;
                u64::try_from(share).unwrap_or(u64::MAX).max(least)
            }
        }
    }
}

impl Default for GateLimit {
    fn default() -> Self {
        Self::Percent(30)
    }
}

impl Default for RateShare {
    fn default() -> Self {
        Self(100)
    }
}

impl Policy {
    /// Returns what happens to people inside a room of these kinds. If the policy does not set it and
    /// the default of one kind is to wait, all wait.
    #[must_use]
    pub fn on_occupied(&self, kinds: impl IntoIterator<Item = Kind>) -> OnOccupied {
        let defers = |kind: Kind| kind.on_occupied() == OnOccupied::Defer;
        match self.on_occupied {
            Some(set) => set,
            None if kinds.into_iter().any(defers) => OnOccupied::Defer,
            None => OnOccupied::Destroy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_rounded_down_to_at_least_one() {
        assert_eq!(GateLimit::Percent(30).of(12, 1), 3);
        assert_eq!(GateLimit::Percent(30).of(0, 1), 1);
        assert_eq!(GateLimit::Percent(0).of(1000, 1), 0);
        assert_eq!(GateLimit::Count(0).of(1000, 1), 0);
    }

    #[test]
    fn a_room_waits_if_one_of_its_kinds_waits() {
        let policy = Policy::default();
        assert_eq!(policy.on_occupied([Kind::Rtc]), OnOccupied::Destroy);
        assert_eq!(policy.on_occupied([Kind::Rtc, Kind::Zim]), OnOccupied::Defer);
        let explicit = Policy { on_occupied: Some(OnOccupied::Destroy), ..policy };
        assert_eq!(explicit.on_occupied([Kind::Rtc, Kind::Zim]), OnOccupied::Destroy);
    }
}
