//! What the file says besides the rooms: the providers and the policy.

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
    /// Which service it is, and what belongs to that.
    pub application: Application,
    /// Where the service answers.
    pub endpoint: Endpoint,
    /// The host that answers there (on loopback with its port), or `emulator`.
    pub host: Box<str>,
    /// Where the secret is; the secret itself is never in the file.
    pub secret: SecretSource,
    /// Requests a second for the calls whose limit the file sets; the vendor's figure for the others.
    pub rate_limits: BTreeMap<Call, u32>,
    /// The part of each limit that one run may use.
    pub rate_share: RateShare,
    /// Our part of the plan's quota of living rooms.
    pub max_rooms: Option<u64>,
    /// What the service takes as attributes of one room.
    pub limits: AttributeLimits,
}

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// In an environment variable.
    Environment(String),
    /// In a file; one newline at its end is dropped.
    File(PathBuf),
}

/// A share in percent, 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct RateShare(pub u8);

/// What the service takes as attributes of one room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttributeLimits {
    /// How many a room may have. ZIM: 20 by default, raised on request.
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
    /// What to do with people inside a room that is to be destroyed; by the kinds that hold the room
    /// where it is left out.
    pub on_occupied: Option<OnOccupied>,
    /// When a room that only a new one can be as it is declared is made anew.
    pub replace: Replace,
    /// How many rooms one run may destroy or replace without consent.
    pub max_destroy: GateLimit,
    /// How many rooms that are gone before their time one run may make anew without consent.
    pub max_recreate: GateLimit,
}

keyword_enum! {
    /// Which rooms are looked up before planning.
    #[derive(Default)]
    Refresh {
        /// None.
        Never = "never",
        /// Rooms whose earliest end has passed, and rooms with something assumed or pending.
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
        /// Record it as ours and bring its attributes in line.
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
        /// Leave it, on record.
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
        /// Once the room is gone by itself: then it is created with them.
        OnNextVanish = "on_next_vanish",
    }
}

/// How many steps of a kind one run may do without consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateLimit {
    /// So many.
    Count(u64),
    /// So many percent of the recorded rooms of declared providers, rounded down; 0 percent means none.
    Percent(u8),
}

impl Provider {
    /// Which service it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.application.kind()
    }

    /// The requests a second that one run may make of `call`: the limit times the share.
    #[must_use]
    pub fn rate(&self, call: Call) -> f64 {
        let vendor = self.application.limit(call);
        let limit = self.rate_limits.get(&call).copied().unwrap_or(vendor);
        f64::from(limit) * f64::from(self.rate_share.0) / 100.0
    }

    /// Whether it answers from the built-in emulator.
    #[must_use]
    pub fn emulated(&self) -> bool {
        self.endpoint == Endpoint::Emulator
    }
}

impl GateLimit {
    /// The number that this means where `recorded` rooms are recorded; a share means at least `least`.
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
    /// What happens to people inside a room that these kinds hold: where the policy says nothing and
    /// one of them would wait, all do.
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
    fn a_share_is_rounded_down_but_at_least_one() {
        assert_eq!(GateLimit::Percent(30).of(12, 1), 3);
        assert_eq!(GateLimit::Percent(30).of(0, 1), 1);
        assert_eq!(GateLimit::Percent(0).of(1000, 1), 0);
        assert_eq!(GateLimit::Count(0).of(1000, 1), 0);
    }

    #[test]
    fn a_room_with_a_side_that_waits_waits() {
        let policy = Policy::default();
        assert_eq!(policy.on_occupied([Kind::Rtc]), OnOccupied::Destroy);
        assert_eq!(policy.on_occupied([Kind::Rtc, Kind::Zim]), OnOccupied::Defer);
        let said = Policy { on_occupied: Some(OnOccupied::Destroy), ..policy };
        assert_eq!(said.on_occupied([Kind::Rtc, Kind::Zim]), OnOccupied::Destroy);
    }
}
